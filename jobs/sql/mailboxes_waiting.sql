-- mailboxes_waiting: mailboxes that may send and have messages without a slot, in order of their keys, after the given one.
--   Where all days to the horizon were full they come again when another day is within it, or something was freed.
-- takes: after_customer uuid, after_mailbox uuid, now timestamptz, horizon timestamptz, most bigint
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
  and (messages.explanation_code <> 'no_free_slot' or coalesce(messages.explanation_until, $4) <= $4
       or exists (
           select from openings
           where openings.customer_id = messages.customer_id and openings.mailbox_id = messages.mailbox_id
             and openings.at > $3))
group by messages.customer_id, messages.mailbox_id
order by messages.customer_id, messages.mailbox_id
limit $5
