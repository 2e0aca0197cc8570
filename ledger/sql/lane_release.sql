-- lane_release: nothing is authorized on it any more; waits for what is in flight. No row: not this customer's.
-- takes: customer uuid, ip uuid, now timestamptz
-- gives: pool_id uuid
-- costs: one key look-up
update lanes
set halted = array_append(lanes.halted, 'released'), released_at = $3
where lanes.customer_id = $1 and lanes.ip_id = $2 and lanes.released_at is null
returning lanes.pool_id
