-- messages_of_domain: what waits for anybody there, locked in order of id.
-- takes: customer uuid, domain_key text
-- gives: message_id uuid
-- costs: an index range of the domain's open messages; at most 1,000 a time
select messages.message_id
from messages
where messages.customer_id = $1 and messages.domain_key = $2 and messages.ended_at is null
  and messages.state in ('accepted', 'booked')
order by messages.message_id
limit 1000
for no key update
