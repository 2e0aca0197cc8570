-- events_accepted: a message was taken in and has its slot.
-- takes: customer uuid, accepted uuid, booked uuid, now timestamptz, message uuid, data jsonb
-- gives: nothing
-- costs: two inserts
insert into events (customer_id, event_id, type, at, message_id, data)
values ($1, $2, 'message.accepted', $4, $5, $6), ($1, $3, 'message.booked', $4, $5, $6)
