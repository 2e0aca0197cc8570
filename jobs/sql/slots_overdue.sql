-- slots_overdue: booked slots whose time is over, oldest first, and among these the messages that were deferred before.
-- takes: now timestamptz, most bigint
-- gives: customer_id uuid, message_id uuid
-- costs: an index range and a key look-up a row
select over.customer_id, over.message_id
from (
    select customer_id, message_id, not_after
    from slots
    where state = 'booked' and not_after <= $1
    order by not_after
    limit $2) as over
join messages on messages.customer_id = over.customer_id and messages.message_id = over.message_id
order by messages.retry_at is null, over.not_after, over.message_id
