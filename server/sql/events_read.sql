-- events_read: what happened, oldest first, behind an event
-- takes: customer uuid?, after uuid, types text[]?, message uuid?, wanted bigint
-- gives: customer_id uuid, event_id uuid, type text, at timestamptz, data jsonb
-- costs: one page of the primary key
select customer_id, event_id, type, at, data
from events
where ($1::uuid is null or customer_id = $1)
  and event_id > $2
  and ($3::text[] is null or type = any ($3))
  and ($4::uuid is null or message_id = $4)
order by event_id
limit $5
