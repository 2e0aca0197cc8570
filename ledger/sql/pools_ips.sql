-- pools_ips: the IPs of held pools, with the ordinals each has given.
-- takes: customer uuid, pools uuid[]
-- gives: pool_id uuid, ip_id uuid, given bigint
-- costs: an index range, a key look-up an IP; at most 1,000
select lanes.pool_id, lanes.ip_id, coalesce(ip_ordinals.given, 0)
from lanes
left join ip_ordinals on ip_ordinals.customer_id = $1 and ip_ordinals.ip_id = lanes.ip_id
where lanes.customer_id = $1 and lanes.pool_id = any ($2) and lanes.released_at is null
order by lanes.ip_id
limit 1000
