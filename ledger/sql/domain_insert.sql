-- domain_insert: a sandbox customer's domain is ready at once.
-- takes: customer uuid, domain uuid, name text, now timestamptz
-- gives: nothing
-- costs: one insert
insert into domains (customer_id, domain_id, name, state, created_at, ready_at)
values ($1, $2, $3, 'ready', $4, $4)
