-- mailboxes_without_ip: who in this pool waits for one.
-- takes: customer uuid, pool uuid
-- gives: mailbox_id uuid
-- costs: an index range; at most 1,000
select mailboxes.mailbox_id
from mailboxes
where mailboxes.customer_id = $1 and mailboxes.pool_id = $2 and mailboxes.ip_id is null and mailboxes.state <> 'closed'
order by mailboxes.mailbox_id
limit 1000
for no key update
