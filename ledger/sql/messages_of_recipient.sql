-- messages_of_recipient: what waits for that person, locked in order of id; an authorization in flight is waited for.
-- takes: customer uuid, recipient_key text
-- gives: message_id uuid
-- costs: an index range of the person's messages; at most 1,000 a time
select messages.message_id
from messages
where messages.customer_id = $1 and messages.recipient_key = $2 and messages.ended_at is null
  and messages.state in ('accepted', 'booked')
order by messages.message_id
limit 1000
for no key update
