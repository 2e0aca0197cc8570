-- mailboxes_raise_of_ip: the plan of every mailbox of that IP is another from here on.
-- takes: customer uuid, ip uuid
-- gives: nothing
-- costs: an index range, a row a mailbox
update mailboxes
set plan_version = mailboxes.plan_version + 1, laid_until = null
where mailboxes.customer_id = $1 and mailboxes.ip_id = $2
