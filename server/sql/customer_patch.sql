-- customer_patch: what the customer is called, who it is, how long it leaves a recipient alone; null: as it is
-- takes: customer uuid, name text?, gap_days integer?, identity_changes boolean, legal_name text?, postal_address text?,
--     contact text?
-- gives: nothing
-- costs: one key look-up
update customers
set name = coalesce($2, name), recipient_gap_days = coalesce($3, recipient_gap_days),
    legal_name = case when $4 then $5 else legal_name end,
    postal_address = case when $4 then $6 else postal_address end,
    contact = case when $4 then $7 else contact end
where customer_id = $1
