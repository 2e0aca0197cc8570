-- message_outcome: it ended. No row: it had ended otherwise before.
-- takes: customer uuid, message uuid, from_states text[], state text, about text?, now timestamptz
-- gives: mailbox_id uuid
-- costs: one key look-up
update messages
set state = $4, ended_at = $6, explanation_code = $4, explanation_until = null, explanation_about = $5
where messages.customer_id = $1 and messages.message_id = $2 and messages.state = any ($3)
returning messages.mailbox_id
