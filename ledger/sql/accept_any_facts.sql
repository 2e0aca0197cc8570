-- accept_any_facts: may any mailbox of the customer be booked? One that is the readiest of all says it for all.
-- takes: customer uuid
-- gives: mailbox uuid, mailbox_state text, domain_ready boolean, ip uuid?
-- costs: the customer's mailboxes
select mailboxes.mailbox_id, mailboxes.state, domains.state = 'ready', mailboxes.ip_id
from mailboxes
join domains on domains.customer_id = $1 and domains.domain_id = mailboxes.domain_id
where mailboxes.customer_id = $1 and mailboxes.state <> 'closed'
order by mailboxes.state <> 'active', domains.state <> 'ready', mailboxes.ip_id is null
limit 1
