-- pools_hold: pools, held in order of id: whoever gives ordinals on a pool's IPs holds the pool.
-- takes: customer uuid, pools uuid[], default_too boolean
-- gives: pool_id uuid, is_default boolean
-- costs: a key look-up a pool
select pools.pool_id, pools.name = 'default'
from pools
where pools.customer_id = $1 and (pools.pool_id = any ($2) or ($3 and pools.name = 'default'))
order by pools.pool_id
for no key update
