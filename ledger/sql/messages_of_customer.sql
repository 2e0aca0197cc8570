-- messages_of_customer: what waits, locked in order of id.
-- takes: customer uuid
-- gives: message_id uuid
-- costs: an index range of the customer's open messages; at most 1,000 a time
select messages.message_id
from messages
where messages.customer_id = $1 and messages.ended_at is null and messages.state in ('accepted', 'booked')
order by messages.message_id
limit 1000
for no key update
