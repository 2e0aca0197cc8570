-- events_read: what happened, oldest first, behind an event: in an order in which nothing ever comes before what was read
-- takes: customer uuid?, after uuid, types text[]?, wanted bigint
-- gives: customer_id uuid, event_id uuid, type text, at timestamptz, data jsonb
-- costs: one page of events_in_order, and a look-up of `after`
with behind as materialized (                              -- no row: the start, or what was forgotten meanwhile
    select tx
    from events
    where ($1::uuid is null or customer_id = $1)
      and event_id = $2
)
select customer_id, event_id, type, at, data
from events
where ($1::uuid is null or customer_id = $1)
  and (tx, event_id) > (coalesce((select behind.tx from behind), '0'::xid8), $2)
  and (event_id > $2 or exists (select from behind))
  and tx < pg_snapshot_xmin(pg_current_snapshot())         -- older ones that still write may yet tell something
  and ($3::text[] is null or type = any ($3))
order by tx, event_id
limit $4
