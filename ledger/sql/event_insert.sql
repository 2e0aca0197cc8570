-- event_insert: something happened.
-- takes: customer uuid, event uuid, type text, now timestamptz, message uuid?, data jsonb
-- gives: nothing
-- costs: one insert
insert into events (customer_id, event_id, type, at, message_id, data)
values ($1, $2, $3, $4, $5, $6)
