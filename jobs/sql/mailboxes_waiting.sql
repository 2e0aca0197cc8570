-- mailboxes_waiting: mailboxes that may send and have messages without a slot, in order of their keys, after the given one.
-- takes: after_customer uuid, after_mailbox uuid, most bigint
-- gives: customer_id uuid, mailbox_id uuid
-- costs: a walk over the messages that wait
select messages.customer_id, messages.mailbox_id
from messages
join mailboxes on mailboxes.customer_id = messages.customer_id and mailboxes.mailbox_id = messages.mailbox_id
join customers on customers.customer_id = messages.customer_id
join domains on domains.customer_id = mailboxes.customer_id and domains.domain_id = mailboxes.domain_id
where messages.state = 'accepted' and (messages.customer_id, messages.mailbox_id) > ($1, $2)
  and mailboxes.state = 'active' and mailboxes.ip_id is not null and customers.state = 'active'
  and (customers.mode = 'sandbox' or domains.state = 'ready')
group by messages.customer_id, messages.mailbox_id
order by messages.customer_id, messages.mailbox_id
limit $3
