-- messages_end: messages that wait are over, with the reason.
-- takes: customer uuid, messages uuid[], state text, code text, about text?, now timestamptz
-- gives: message_id uuid, mailbox_id uuid
-- costs: a key look-up a message
update messages
set state = $3, ended_at = $6, explanation_code = $4, explanation_until = null, explanation_about = $5
where messages.customer_id = $1 and messages.message_id = any ($2) and messages.state in ('accepted', 'booked')
returning messages.message_id, messages.mailbox_id
