-- message_parent: whom an earlier message was for, and from which mailbox: a follow-up goes the same way
-- takes: customer uuid, message uuid
-- gives: mailbox_id uuid, recipient_key text
-- costs: one key look-up
select mailbox_id, recipient_key
from messages
where customer_id = $1 and message_id = $2
