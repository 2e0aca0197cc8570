-- messages_unpaused: what kept its slot through the pause waits for it again.
-- takes: customer uuid, mailbox uuid
-- gives: nothing
-- costs: an index range of the mailbox's open messages, a key look-up each
update messages
set explanation_code = 'waiting_for_slot', explanation_until = slots.due_at
from slots
where messages.customer_id = $1 and messages.mailbox_id = $2 and messages.ended_at is null
  and messages.state = 'booked' and messages.explanation_code = 'mailbox_paused'
  and slots.customer_id = $1 and slots.message_id = messages.message_id and slots.state = 'booked'
