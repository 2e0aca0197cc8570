-- openings_delete: a mailbox's openings, after its plan was raised; waits for the bookings in flight.
-- takes: customer uuid, mailbox uuid
-- gives: nothing
-- costs: an index range
delete from openings
where openings.customer_id = $1 and openings.mailbox_id = $2
