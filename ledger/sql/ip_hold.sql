-- ip_hold: an IP, held for a change of whose it is.
-- takes: ip uuid
-- gives: address text, state text, available_at timestamptz?, paused boolean
-- costs: one key look-up
select host(ips.address), ips.state, ips.available_at, ips.paused
from ips
where ips.ip_id = $1
for no key update
