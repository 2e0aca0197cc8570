-- domain_delete: a domain goes. A foreign key refuses one that a mailbox has, or had.
-- takes: customer uuid, domain uuid
-- gives: nothing
-- costs: one key look-up
delete from domains
where customer_id = $1 and domain_id = $2
