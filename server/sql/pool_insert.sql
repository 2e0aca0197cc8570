-- pool_insert: a new pool of a customer
-- takes: customer uuid, pool uuid, name text, now timestamptz
-- gives: nothing
-- costs: one row
insert into pools (customer_id, pool_id, name, created_at)
values ($1, $2, $3, $4)
