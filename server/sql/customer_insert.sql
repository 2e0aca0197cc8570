-- customer_insert: a new customer
-- takes: customer uuid, name text, mode text, legal_name text?, postal_address text?, contact text?, gap_days integer,
--     now timestamptz
-- gives: nothing
-- costs: one row
insert into customers (customer_id, name, mode, legal_name, postal_address, contact, recipient_gap_days, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
