-- opening_take: the earliest opening of a mailbox; taken: it was stale, and is gone now. No row: nothing is open.
-- takes: customer uuid, mailbox uuid, not_before timestamptz
-- gives: mailbox_id uuid, local_day date, number smallint, day_from timestamptz, day_until timestamptz, ip_id uuid,
--   at timestamptz, not_after timestamptz, taken boolean, time_zone text
-- costs: a range of the mailbox's openings up to the first that fits, two key look-ups
with pick as materialized (
    select openings.mailbox_id, openings.local_day, openings.number
    from openings
    where openings.customer_id = $1 and openings.mailbox_id = $2 and openings.at > $3
    order by openings.local_day, openings.number
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
          and slots.local_day = openings.local_day and slots.number = openings.number),
    (select mailboxes.time_zone from mailboxes
     where mailboxes.customer_id = $1 and mailboxes.mailbox_id = openings.mailbox_id)
