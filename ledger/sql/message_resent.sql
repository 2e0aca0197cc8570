-- message_resent: the doubt about it was answered by sending it again.
-- takes: customer uuid, message uuid, now timestamptz, about text
-- gives: message_id uuid
-- costs: one key look-up
update messages
set state = 'resent', ended_at = $3, explanation_code = 'resent', explanation_until = null, explanation_about = $4
where messages.customer_id = $1 and messages.message_id = $2 and messages.state = 'unconfirmed'
returning messages.message_id
