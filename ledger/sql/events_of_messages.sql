-- events_of_messages: the same thing happened to each of these messages.
-- takes: customer uuid, type text, now timestamptz, messages uuid[], events uuid[], data jsonb[]
-- gives: nothing
-- costs: a key look-up and an insert a message
insert into events (customer_id, event_id, type, at, message_id, data)
select messages.customer_id, told.event_id, $2, $3, messages.message_id, told.data
from unnest($4::uuid[], $5::uuid[], $6::jsonb[]) as told (message_id, event_id, data)
join messages on messages.customer_id = $1 and messages.message_id = told.message_id
