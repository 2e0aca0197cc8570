-- mailboxes_raise_of_customer: the plan of every mailbox of the customer is another from here on.
-- takes: customer uuid
-- gives: nothing
-- costs: a row a mailbox
update mailboxes
set plan_version = mailboxes.plan_version + 1, laid_until = null
where mailboxes.customer_id = $1 and mailboxes.state <> 'closed'
