-- lanes_unseen: lanes without a sign of life since then, and without a clean end, that left messages in doubt.
-- takes: seen_before timestamptz, most bigint
-- gives: customer_id uuid, ip_id uuid
-- costs: a walk over the slots that are authorized
select lanes.customer_id, lanes.ip_id
from lanes
where lanes.seen_at < $1 and lanes.ended_at is null
  and exists (
      select from slots
      where slots.customer_id = lanes.customer_id and slots.ip_id = lanes.ip_id and slots.state = 'authorized'
        and slots.authorized_real_at < $1)
limit $2
