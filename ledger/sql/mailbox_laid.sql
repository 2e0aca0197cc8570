-- mailbox_laid: openings stand up to that day. A change of the plan waits for us, or we see it: then no row.
-- takes: customer uuid, mailbox uuid, plan_version bigint, until date
-- gives: mailbox_id uuid
-- costs: one key look-up
update mailboxes
set laid_until = greatest(mailboxes.laid_until, $4)
where mailboxes.customer_id = $1 and mailboxes.mailbox_id = $2 and mailboxes.plan_version = $3
  and mailboxes.state = 'active'
returning mailboxes.mailbox_id
