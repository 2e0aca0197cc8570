-- events_of_message_read: what happened to one message, oldest first, behind an event
-- takes: customer uuid?, message uuid, after uuid, types text[]?, wanted bigint
-- gives: customer_id uuid, event_id uuid, type text, at timestamptz, data jsonb
-- costs: one page of events_message
select customer_id, event_id, type, at, data
from events
where ($1::uuid is null or customer_id = $1)
  and message_id = $2
  and event_id > $3
  and ($4::text[] is null or type = any ($4))
order by event_id
limit $5
