-- message_waits: kept, without a slot at this moment, and why.
-- takes: customer uuid, message uuid, code text, until timestamptz?
-- gives: nothing
-- costs: one key look-up
update messages
set state = 'accepted', explanation_code = $3, explanation_until = $4, explanation_about = null
where messages.customer_id = $1 and messages.message_id = $2 and messages.state in ('accepted', 'booked', 'sending')
