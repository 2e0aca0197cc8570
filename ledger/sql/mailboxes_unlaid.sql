-- mailboxes_unlaid: active mailboxes whose openings do not reach that day yet.
-- takes: customer uuid, until date
-- gives: mailbox_id uuid
-- costs: an index range, two key look-ups each; at most 500 a time
select mailboxes.mailbox_id
from mailboxes
join domains on domains.customer_id = $1 and domains.domain_id = mailboxes.domain_id
join customers on customers.customer_id = mailboxes.customer_id
where mailboxes.customer_id = $1 and mailboxes.state = 'active' and mailboxes.ip_id is not null
  and coalesce(mailboxes.laid_until, date '0001-01-01') < $2
  and (customers.mode = 'sandbox' or domains.state = 'ready')
limit 500
