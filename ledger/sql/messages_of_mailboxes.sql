-- messages_of_mailboxes: what waits in these mailboxes, held in order of id; an authorization in flight is waited for.
-- takes: customer uuid, mailboxes uuid[], states text[], after uuid
-- gives: message_id uuid
-- costs: an index range of each mailbox's open messages; at most 1,000 a time
select messages.message_id
from messages
where messages.customer_id = $1 and messages.mailbox_id = any ($2) and messages.ended_at is null
  and messages.state = any ($3) and messages.message_id > $4
order by messages.message_id
limit 1000
for no key update
