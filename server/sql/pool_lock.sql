-- pool_lock: nobody else changes this pool until the transaction ends
-- takes: customer uuid, pool uuid
-- gives: pool_id uuid
-- costs: one key look-up
select pool_id
from pools
where customer_id = $1 and pool_id = $2
for no key update
