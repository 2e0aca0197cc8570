-- domain_create: a new sending domain of a customer
-- takes: customer uuid, domain uuid, name text, ready boolean, now timestamptz
-- gives: nothing
-- costs: one row
insert into domains (customer_id, domain_id, name, state, created_at, ready_at)
values ($1, $2, $3, case when $4 then 'ready' else 'pending' end, $5, case when $4 then $5 end)
