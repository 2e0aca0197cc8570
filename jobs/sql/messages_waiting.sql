-- messages_waiting: what a mailbox has to book, in the order in which openings are offered: deferred ones first.
-- takes: customer uuid, mailbox uuid, most bigint
-- gives: message_id uuid, not_before timestamptz?
-- costs: the mailbox's messages without a slot
select message_id, greatest(retry_at, scheduled_at)
from messages
where customer_id = $1 and mailbox_id = $2 and state = 'accepted'
order by retry_at is null, message_id
limit $3
