-- mailbox_stands: the plan that an opening is given back under. No row: it is another by now.
-- takes: customer uuid, mailbox uuid, plan_version bigint
-- gives: mailbox_id uuid
-- costs: one key look-up
select mailboxes.mailbox_id
from mailboxes
where mailboxes.customer_id = $1 and mailboxes.mailbox_id = $2 and mailboxes.plan_version = $3
  and mailboxes.state = 'active'
for share
