-- messages_expired: messages without a slot whose first attempt is too long ago.
-- takes: tried_until timestamptz, most bigint
-- gives: customer_id uuid, message_id uuid
-- costs: an index range
select customer_id, message_id
from messages
where state = 'accepted' and first_attempt_at <= $1
order by first_attempt_at
limit $2
