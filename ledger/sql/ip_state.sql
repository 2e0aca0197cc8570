-- ip_state: whose it is, in a word.
-- takes: ip uuid, state text, available_at timestamptz?
-- gives: nothing
-- costs: one key look-up
update ips
set state = $2, available_at = $3
where ips.ip_id = $1
