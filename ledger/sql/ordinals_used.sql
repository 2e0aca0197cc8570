-- ordinals_used: the places taken on the IPs of held pools.
-- takes: customer uuid, pools uuid[]
-- gives: ip_id uuid, ordinal bigint
-- costs: an index range an IP, a row a mailbox; at most 100,000
select mailboxes.ip_id, mailboxes.ordinal
from lanes
join mailboxes on mailboxes.customer_id = $1 and mailboxes.ip_id = lanes.ip_id
where lanes.customer_id = $1 and lanes.pool_id = any ($2) and lanes.released_at is null
limit 100000
