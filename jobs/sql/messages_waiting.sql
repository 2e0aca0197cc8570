-- messages_waiting: what a mailbox has to book, in the order in which openings are offered: deferred ones first. Those that
--   found all days to the horizon full are left out until another day is within it, or something was freed.
-- takes: customer uuid, mailbox uuid, now timestamptz, horizon timestamptz, most bigint
-- gives: message_id uuid, not_before timestamptz?
-- costs: the mailbox's messages without a slot
select message_id, greatest(retry_at, scheduled_at)
from messages
where customer_id = $1 and mailbox_id = $2 and state = 'accepted'
  and (explanation_code <> 'no_free_slot' or coalesce(explanation_until, $4) <= $4
       or exists (
           select from openings
           where openings.customer_id = $1 and openings.mailbox_id = $2 and openings.at > $3))
order by retry_at is null, message_id
limit $5
