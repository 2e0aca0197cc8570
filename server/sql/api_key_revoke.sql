-- api_key_revoke: a customer's key dies
-- takes: customer uuid, key uuid, now timestamptz
-- gives: nothing
-- costs: one key look-up
update api_keys
set revoked_at = $3
where customer_id = $1 and key_id = $2 and revoked_at is null
