-- mailbox_closed: for ever, unless its address is made anew; its ordinal is free.
-- takes: customer uuid, mailbox uuid, now timestamptz
-- gives: nothing
-- costs: one key look-up
update mailboxes
set state = 'closed', closed_at = $3, paused_at = null, ip_id = null, ordinal = null,
    plan_version = mailboxes.plan_version + 1, laid_until = null
where mailboxes.customer_id = $1 and mailboxes.mailbox_id = $2 and mailboxes.state <> 'closed'
