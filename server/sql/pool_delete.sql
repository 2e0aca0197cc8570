-- pool_delete: a pool goes, but never `default`. A foreign key refuses one that has an address or a mailbox.
-- takes: customer uuid, pool uuid
-- gives: nothing
-- costs: one key look-up
delete from pools
where customer_id = $1 and pool_id = $2 and name <> 'default'
