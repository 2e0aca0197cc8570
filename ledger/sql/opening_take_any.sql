-- opening_take_any: the earliest opening of the customer before a time up to which all of its mailboxes are laid. No row:
--   nothing is open, or a mailbox is not laid up to that day.
-- takes: customer uuid, not_before timestamptz, before timestamptz, laid_to date
-- gives: mailbox_id uuid, local_day date, number smallint, day_from timestamptz, day_until timestamptz, ip_id uuid,
--   at timestamptz, not_after timestamptz, taken boolean, address text
-- costs: one index probe, the first of an index range, four key look-ups
with pick as materialized (
    select openings.mailbox_id, openings.local_day, openings.number
    from openings
    where openings.customer_id = $1 and openings.at > $2 and openings.at < $3
      and not exists (
          select from mailboxes
          join domains on domains.customer_id = $1 and domains.domain_id = mailboxes.domain_id
          join customers on customers.customer_id = mailboxes.customer_id
          where mailboxes.customer_id = $1 and mailboxes.state = 'active' and mailboxes.ip_id is not null
            and coalesce(mailboxes.laid_until, date '0001-01-01') < $4
            and (customers.mode = 'sandbox' or domains.state = 'ready'))
    order by openings.at
    limit 1
    for update skip locked
)
delete from openings
using pick, mailboxes, domains, customers
where openings.customer_id = $1 and mailboxes.customer_id = $1 and mailboxes.mailbox_id = pick.mailbox_id
  and domains.customer_id = $1 and domains.domain_id = mailboxes.domain_id and customers.customer_id = $1
  and (openings.mailbox_id, openings.local_day, openings.number) = (pick.mailbox_id, pick.local_day, pick.number)
returning openings.mailbox_id, openings.local_day, openings.number, openings.day_from, openings.day_until, openings.ip_id,
    openings.at, openings.not_after,
    exists (
        select from slots
        where slots.customer_id = $1 and slots.mailbox_id = openings.mailbox_id
          and slots.local_day = openings.local_day and slots.number = openings.number)
    or (customers.mode = 'live' and domains.state <> 'ready'),
    mailboxes.address
