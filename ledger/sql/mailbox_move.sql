-- mailbox_move: a mailbox sends from another IP from here on, or from none for now.
-- takes: customer uuid, mailbox uuid, pool uuid, ip uuid?, ordinal bigint?
-- gives: nothing
-- costs: one key look-up
update mailboxes
set pool_id = $3, ip_id = $4, ordinal = $5, plan_version = mailboxes.plan_version + 1, laid_until = null
where mailboxes.customer_id = $1 and mailboxes.mailbox_id = $2
