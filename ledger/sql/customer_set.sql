-- customer_set: active, suspended or closed.
-- takes: customer uuid, state text, now timestamptz
-- gives: nothing
-- costs: one key look-up
update customers
set state = $2, suspended_at = case when $2 = 'suspended' then $3 end, closed_at = case when $2 = 'closed' then $3 end
where customers.customer_id = $1
