-- lane_see: its owner lives, and what keeps it from sending. No row: somebody else owns it.
-- takes: customer uuid, ip uuid, generation bigint, real timestamptz, trouble text?
-- gives: halted boolean
-- costs: one key look-up and update
update lanes
set seen_at = $4, trouble = $5
where lanes.customer_id = $1 and lanes.ip_id = $2 and lanes.generation = $3
returning lanes.halted <> '{}'
