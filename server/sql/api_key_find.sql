-- api_key_find: a customer's key by its hash, unless it is revoked
-- takes: customer uuid, hash bytea
-- gives: key_id uuid, scopes text[], expires_at timestamptz?
-- costs: one key look-up
select key_id, scopes, expires_at
from api_keys
where customer_id = $1 and hash = $2 and revoked_at is null
