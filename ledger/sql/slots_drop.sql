-- slots_drop: the booked slots of these messages are free again.
-- takes: customer uuid, messages uuid[]
-- gives: mailbox_id uuid, local_day date, number smallint
-- costs: a key look-up a message
delete from slots
where slots.customer_id = $1 and slots.message_id = any ($2) and slots.state = 'booked'
returning slots.mailbox_id, slots.local_day, slots.number
