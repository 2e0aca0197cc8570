-- mailboxes_on_ip: who sends from it.
-- takes: customer uuid, ip uuid
-- gives: mailbox_id uuid
-- costs: an index range; at most 1,000
select mailboxes.mailbox_id
from mailboxes
where mailboxes.customer_id = $1 and mailboxes.ip_id = $2
order by mailboxes.ordinal
limit 1000
for no key update
