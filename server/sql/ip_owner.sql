-- ip_owner: whose an address is, and when the lane that it had last was seen and ended
-- takes: ip uuid
-- gives: customer_id uuid?, ended_at timestamptz?, seen_at timestamptz?
-- costs: the lanes of one address
select case when released_at is null then customer_id end as customer_id, ended_at, seen_at
from lanes
where ip_id = $1
order by released_at is null desc, released_at desc
limit 1
