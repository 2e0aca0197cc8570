-- lane_find: the pool of an IP that this customer has.
-- takes: customer uuid, ip uuid
-- gives: pool_id uuid
-- costs: one key look-up
select lanes.pool_id
from lanes
where lanes.customer_id = $1 and lanes.ip_id = $2 and lanes.released_at is null
