-- openings_lay: openings of whole days, only where the plan they were computed from still stands.
-- takes: customer uuid, mailbox uuid, plan_version bigint, local_days date[], days_from timestamptz[],
--   days_until timestamptz[], numbers smallint[], ats timestamptz[], not_afters timestamptz[]
-- gives: nothing
-- costs: a key look-up and an insert an opening
insert into openings (
    customer_id, mailbox_id, local_day, number, day_from, day_until, ip_id, at, not_after)
select mailboxes.customer_id, mailboxes.mailbox_id, laid.local_day, laid.number, laid.day_from, laid.day_until,
    mailboxes.ip_id, laid.at, laid.not_after
from unnest($4::date[], $7::smallint[], $5::timestamptz[], $6::timestamptz[], $8::timestamptz[], $9::timestamptz[])
    as laid (local_day, number, day_from, day_until, at, not_after)
join mailboxes on mailboxes.customer_id = $1 and mailboxes.mailbox_id = $2 and mailboxes.plan_version = $3
    and mailboxes.state = 'active' and mailboxes.ip_id is not null
where not exists (
    select from slots
    where slots.customer_id = $1 and slots.mailbox_id = $2
      and slots.local_day = laid.local_day and slots.number = laid.number)
on conflict on constraint openings_pkey do nothing
