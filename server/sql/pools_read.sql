-- pools_read: pools, newest first: one, or a page of a customer's, or of all that the role may see
-- takes: customer uuid?, pool uuid?, before uuid, wanted bigint
-- gives: pool_id uuid, name text, created_at timestamptz
-- costs: one key look-up, or one page of the primary key
select pool_id, name, created_at
from pools
where ($1::uuid is null or customer_id = $1)
  and ($2::uuid is null or pool_id = $2)
  and pool_id < $3
order by pool_id desc
limit $4
