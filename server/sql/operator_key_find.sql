-- operator_key_find: an operator's key by its hash, unless it is revoked
-- takes: hash bytea
-- gives: key_id uuid, scopes text[], expires_at timestamptz?
-- costs: one key look-up
select key_id, scopes, expires_at
from operator_keys
where hash = $1 and revoked_at is null
