-- ip_lock: nobody else changes this address until the transaction ends
-- takes: ip uuid
-- gives: ip_id uuid
-- costs: one key look-up
select ip_id
from ips
where ip_id = $1
for no key update
