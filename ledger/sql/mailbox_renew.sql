-- mailbox_renew: the plan of this mailbox is another from here on, though nobody changed it: its zone's rules are others.
-- takes: customer uuid, mailbox uuid
-- gives: nothing
-- costs: one key look-up
update mailboxes
set plan_version = mailboxes.plan_version + 1, laid_until = null
where mailboxes.customer_id = $1 and mailboxes.mailbox_id = $2
