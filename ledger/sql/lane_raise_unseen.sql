-- lane_raise_unseen: its owner is gone without a word; what it may still ask is refused. No row: it was seen.
-- takes: customer uuid, ip uuid, seen_before timestamptz
-- gives: generation bigint
-- costs: one key look-up and update
update lanes
set generation = lanes.generation + 1
where lanes.customer_id = $1 and lanes.ip_id = $2 and lanes.seen_at < $3 and lanes.ended_at is null
returning lanes.generation
