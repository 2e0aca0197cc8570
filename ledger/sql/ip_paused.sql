-- ip_paused: paused, or going on.
-- takes: ip uuid, paused boolean
-- gives: ip_id uuid
-- costs: one key look-up
update ips
set paused = $2
where ips.ip_id = $1
returning ips.ip_id
