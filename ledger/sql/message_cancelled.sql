-- message_cancelled: it can have no slot any more.
-- takes: customer uuid, message uuid, code text, now timestamptz
-- gives: nothing
-- costs: one key look-up
update messages
set state = 'cancelled', ended_at = $4, explanation_code = $3, explanation_until = null, explanation_about = null
where messages.customer_id = $1 and messages.message_id = $2 and messages.state in ('accepted', 'booked', 'sending')
