-- message_mailbox_hold: the mailbox of a message, held; waits for layings, changes and authorizations of it in flight.
-- takes: customer uuid, message uuid
-- gives: nothing
-- costs: two key look-ups
select
from mailboxes
join messages on messages.customer_id = $1 and messages.mailbox_id = mailboxes.mailbox_id
where mailboxes.customer_id = $1 and messages.message_id = $2
for no key update of mailboxes
