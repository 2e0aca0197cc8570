-- api_key_insert: a new key of a customer
-- takes: customer uuid, key uuid, name text, prefix text, hash bytea, scopes text[], now timestamptz, expires_at timestamptz?
-- gives: nothing
-- costs: one row
insert into api_keys (customer_id, key_id, name, prefix, hash, scopes, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
