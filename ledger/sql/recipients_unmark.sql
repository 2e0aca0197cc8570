-- recipients_unmark: first writings that ended before any dot give their marks back.
-- takes: customer uuid, messages uuid[]
-- gives: nothing
-- costs: three key look-ups a message
update recipients
set first_written_at = null, first_message_id = null
from messages
where recipients.customer_id = $1 and messages.customer_id = $1 and messages.message_id = any ($2)
  and messages.first_writing and recipients.address_key = messages.recipient_key
  and recipients.first_message_id = messages.message_id
  and not exists (
      select from slots
      where slots.customer_id = $1 and slots.message_id = messages.message_id and slots.state <> 'booked')
