-- message_over: it can have no slot any more.
-- takes: customer uuid, message uuid, state text, code text, now timestamptz
-- gives: nothing
-- costs: one key look-up
update messages
set state = $3, ended_at = $5, explanation_code = $4, explanation_until = null, explanation_about = null
where messages.customer_id = $1 and messages.message_id = $2 and messages.state in ('accepted', 'booked', 'sending')
