-- messages_paused: what is booked in a paused mailbox says so.
-- takes: customer uuid, mailbox uuid
-- gives: nothing
-- costs: an index range of the mailbox's open messages
update messages
set explanation_code = 'mailbox_paused', explanation_until = null, explanation_about = null
where messages.customer_id = $1 and messages.mailbox_id = $2 and messages.ended_at is null
  and messages.state in ('accepted', 'booked')
