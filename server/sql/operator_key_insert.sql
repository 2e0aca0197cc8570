-- operator_key_insert: a new key of an operator
-- takes: key uuid, name text, prefix text, hash bytea, scopes text[], now timestamptz, expires_at timestamptz?
-- gives: nothing
-- costs: one row
insert into operator_keys (key_id, name, prefix, hash, scopes, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
