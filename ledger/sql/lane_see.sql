-- lane_see: its owner lives, what keeps it from sending, and whom it waits for. No row: somebody else owns it.
-- takes: customer uuid, ip uuid, generation bigint, real timestamptz, trouble text?, resting_until timestamptz?
-- gives: halted boolean
-- costs: one key look-up and update
update lanes
set seen_at = $4, trouble = $5,
    resting_until = greatest(lanes.resting_until, $6)
where lanes.customer_id = $1 and lanes.ip_id = $2 and lanes.generation = $3
returning lanes.halted <> '{}'
