-- mailboxes_least: the day up to which all bookable mailboxes are laid. No row: none may be booked.
-- takes: customer uuid
-- gives: laid_until date?
-- costs: one index probe, two key look-ups
select mailboxes.laid_until
from mailboxes
join domains on domains.customer_id = $1 and domains.domain_id = mailboxes.domain_id
join customers on customers.customer_id = $1
where mailboxes.customer_id = $1 and mailboxes.state = 'active' and mailboxes.ip_id is not null
  and (customers.mode = 'sandbox' or domains.state = 'ready')
order by mailboxes.laid_until nulls first
limit 1
