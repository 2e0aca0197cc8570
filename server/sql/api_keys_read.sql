-- api_keys_read: a customer's keys that are not revoked, newest first: one, or a page
-- takes: customer uuid, key uuid?, before uuid, wanted bigint
-- gives: key_id uuid, name text, prefix text, scopes text[], created_at timestamptz, expires_at timestamptz?
-- costs: one key look-up, or one page of the primary key
select key_id, name, prefix, scopes, created_at, expires_at
from api_keys
where customer_id = $1 and ($2::uuid is null or key_id = $2) and key_id < $3 and revoked_at is null
order by key_id desc
limit $4
