-- operator_key_revoke: an operator's key dies
-- takes: key uuid, now timestamptz
-- gives: nothing
-- costs: one key look-up
update operator_keys
set revoked_at = $2
where key_id = $1 and revoked_at is null
