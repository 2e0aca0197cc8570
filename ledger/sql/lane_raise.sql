-- lane_raise: a new owner; waits for the authorizations of the old one that are in flight. No row: no such lane, or somebody
-- raised it since its generation was read (expected; null: whatever it is).
-- takes: customer uuid, ip uuid, host text, pid integer, real timestamptz, elsewhere_until timestamptz, place text?, expected bigint?
-- gives: generation bigint, halted boolean, old_host text?, old_pid integer?, old_since timestamptz?,
--   old_seen_at timestamptz?, old_ended_at timestamptz?, elsewhere_until timestamptz?, resting_until timestamptz?
-- costs: one key look-up and update
with before as materialized (
    select lanes.host, lanes.place, lanes.pid, lanes.since, lanes.seen_at, lanes.ended_at
    from lanes
    where lanes.customer_id = $1 and lanes.ip_id = $2 and lanes.released_at is null
      and ($8::bigint is null or lanes.generation = $8)
    for no key update
)
update lanes
set generation = lanes.generation + 1, host = $3, pid = $4, since = $5, seen_at = $5, ended_at = null, trouble = null, place = $7,
    elsewhere_until = case when (before.host <> $3 or before.place <> $7) and before.ended_at is null then $6
                           else lanes.elsewhere_until end
from before
where lanes.customer_id = $1 and lanes.ip_id = $2
returning lanes.generation, lanes.halted <> '{}', before.host, before.pid, before.since, before.seen_at, before.ended_at,
    lanes.elsewhere_until, lanes.resting_until
