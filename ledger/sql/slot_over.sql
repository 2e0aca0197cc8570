-- slot_over: a booked slot whose time has passed is deleted. No row: it is not over, or not booked any more.
-- takes: customer uuid, message uuid, now timestamptz
-- gives: mailbox_id uuid
-- costs: one key look-up
delete from slots
where slots.customer_id = $1 and slots.message_id = $2 and slots.state = 'booked' and slots.not_after <= $3
returning slots.mailbox_id
