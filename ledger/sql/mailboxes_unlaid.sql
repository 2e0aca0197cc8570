-- mailboxes_unlaid: bookable mailboxes whose openings do not reach that day yet, held: of many that want them laid, one lays,
--   and the others find it done.
-- takes: customer uuid, until date
-- gives: mailbox_id uuid
-- costs: an index range, two key look-ups each; at most 500 a time
select mailboxes.mailbox_id
from mailboxes
join domains on domains.customer_id = $1 and domains.domain_id = mailboxes.domain_id
join customers on customers.customer_id = $1
where mailboxes.customer_id = $1 and mailboxes.state = 'active' and mailboxes.ip_id is not null
  and (mailboxes.laid_until is null or mailboxes.laid_until < $2)
  and (customers.mode = 'sandbox' or domains.state = 'ready')
order by mailboxes.mailbox_id
limit 500
for no key update of mailboxes
