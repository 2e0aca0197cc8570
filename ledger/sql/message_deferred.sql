-- message_deferred: it stays in its slot and is tried again.
-- takes: customer uuid, message uuid, code text, until timestamptz, about text?
-- gives: nothing
-- costs: one key look-up
update messages
set explanation_code = $3, explanation_until = $4, explanation_about = $5
where messages.customer_id = $1 and messages.message_id = $2 and messages.state = 'booked'
