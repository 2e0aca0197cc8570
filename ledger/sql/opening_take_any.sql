-- opening_take_any: the earliest opening of the customer, of the days that are laid for all of its bookable mailboxes: local
--   days differ from UTC's by fourteen hours at most, so what lies before UTC's day of the least of them is laid in every
--   zone. From `all_from` on, and with `whatever`, what there is will do. No row: nothing is open there.
-- takes: customer uuid, not_before timestamptz, all_from date, whatever boolean
-- gives: mailbox_id uuid, local_day date, number smallint, day_from timestamptz, day_until timestamptz, ip_id uuid,
--   at timestamptz, not_after timestamptz, taken boolean, time_zone text, address text, display_name text
-- costs: one index probe, the first of an index range, six key look-ups
with least as materialized (
    select case when $4 or mailboxes.laid_until >= $3 then timestamptz 'infinity'
                else mailboxes.laid_until::timestamp at time zone 'UTC' end as before
    from mailboxes
    join domains on domains.customer_id = $1 and domains.domain_id = mailboxes.domain_id
    join customers on customers.customer_id = $1
    where mailboxes.customer_id = $1 and mailboxes.state = 'active' and mailboxes.ip_id is not null
      and (customers.mode = 'sandbox' or domains.state = 'ready')
    order by mailboxes.laid_until nulls first
    limit 1
),
pick as materialized (
    select openings.mailbox_id, openings.local_day, openings.number
    from openings
    where openings.customer_id = $1 and openings.at > $2 and openings.at < (select least.before from least)
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
    mailboxes.time_zone, mailboxes.address, mailboxes.display_name
