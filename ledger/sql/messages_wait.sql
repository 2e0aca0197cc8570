-- messages_wait: kept, without slots at this moment, and why.
-- takes: customer uuid, messages uuid[], code text
-- gives: nothing
-- costs: a key look-up a message
update messages
set state = 'accepted', explanation_code = $3, explanation_until = null, explanation_about = null
where messages.customer_id = $1 and messages.message_id = any ($2) and messages.state = 'booked'
