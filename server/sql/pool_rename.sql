-- pool_rename: the pool is called otherwise
-- takes: customer uuid, pool uuid, name text
-- gives: nothing
-- costs: one key look-up
update pools
set name = $3
where customer_id = $1 and pool_id = $2
