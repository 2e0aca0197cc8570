-- opening_take_any: the earliest opening of the customer before a time up to which all of its mailboxes are laid.
-- takes: customer uuid, not_before timestamptz, before timestamptz
-- gives: mailbox_id uuid, local_day date, number smallint, day_from timestamptz, day_until timestamptz, ip_id uuid,
--   at timestamptz, not_after timestamptz, taken boolean
-- costs: the first of an index range, one key look-up
with pick as materialized (
    select openings.mailbox_id, openings.local_day, openings.number
    from openings
    where openings.customer_id = $1 and openings.at > $2 and openings.at < $3
    order by openings.at
    limit 1
    for update skip locked
)
delete from openings
using pick
where openings.customer_id = $1
  and (openings.mailbox_id, openings.local_day, openings.number) = (pick.mailbox_id, pick.local_day, pick.number)
returning openings.mailbox_id, openings.local_day, openings.number, openings.day_from, openings.day_until, openings.ip_id,
    openings.at, openings.not_after,
    exists (
        select from slots
        where slots.customer_id = $1 and slots.mailbox_id = openings.mailbox_id
          and slots.local_day = openings.local_day and slots.number = openings.number)
