-- messages_explain: why these have not gone yet.
-- takes: customer uuid, messages uuid[], code text, until timestamptz?, about text?
-- gives: nothing
-- costs: a key look-up a message
update messages
set explanation_code = $3, explanation_until = $4, explanation_about = $5
where messages.customer_id = $1 and messages.message_id = any ($2) and messages.state in ('accepted', 'booked')
