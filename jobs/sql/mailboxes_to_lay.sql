-- mailboxes_to_lay: mailboxes that may send and whose openings end before that local day.
-- takes: before date, most bigint
-- gives: customer_id uuid, mailbox_id uuid
-- costs: a walk over the mailboxes
select mailboxes.customer_id, mailboxes.mailbox_id
from mailboxes
join customers on customers.customer_id = mailboxes.customer_id
join domains on domains.customer_id = mailboxes.customer_id and domains.domain_id = mailboxes.domain_id
where mailboxes.state = 'active' and mailboxes.ip_id is not null and customers.state = 'active'
  and (customers.mode = 'sandbox' or domains.state = 'ready')
  and coalesce(mailboxes.laid_until, date '-infinity') < $1
order by mailboxes.laid_until nulls first
limit $2
