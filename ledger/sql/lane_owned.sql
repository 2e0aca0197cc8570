-- lane_owned: is that generation still the owner?
-- takes: customer uuid, ip uuid, generation bigint
-- gives: owned boolean, halted boolean
-- costs: one key look-up
select lanes.generation = $3, lanes.halted <> '{}'
from lanes
where lanes.customer_id = $1 and lanes.ip_id = $2
