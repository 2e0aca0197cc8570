-- messages_doubt: nobody knows whether these dots counted.
-- takes: customer uuid, messages uuid[], now timestamptz
-- gives: message_id uuid, mailbox_id uuid
-- costs: a key look-up a message
update messages
set state = 'unconfirmed', ended_at = $3, explanation_code = 'unconfirmed', explanation_until = null,
    explanation_about = null
where messages.customer_id = $1 and messages.message_id = any ($2) and messages.state = 'sending'
returning messages.message_id, messages.mailbox_id
