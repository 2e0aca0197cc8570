-- lane_end: its owner drained, and nobody needs to wait.
-- takes: customer uuid, ip uuid, generation bigint, real timestamptz
-- gives: ip_id uuid
-- costs: one key look-up and update
update lanes
set seen_at = $4, ended_at = $4
where lanes.customer_id = $1 and lanes.ip_id = $2 and lanes.generation = $3
returning lanes.ip_id
