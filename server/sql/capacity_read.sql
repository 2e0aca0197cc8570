-- capacity_read: mailboxes of a customer, oldest first, with what their slots of some days are computed from
-- takes: customer uuid, after uuid, from_day date, until_day date, wanted bigint
-- gives: mailbox_id uuid, ip_id uuid?, ordinal bigint?, ordinals bigint, time_zone text, window_days smallint,
--     window_start_min smallint, window_end_min smallint, daily_cap smallint, bookable boolean,
--     taken_days date[], taken_from timestamptz[], taken_until timestamptz[], taken_numbers smallint[]
-- costs: a page of the primary key; two look-ups a row, and a range of its slots
select mailboxes.mailbox_id, mailboxes.ip_id, mailboxes.ordinal, coalesce(ip_ordinals.given, 0) as ordinals,
    mailboxes.time_zone, mailboxes.window_days, mailboxes.window_start_min, mailboxes.window_end_min, mailboxes.daily_cap,
    mailboxes.state = 'active' and customers.state = 'active'
        and (customers.mode = 'sandbox' or domains.state = 'ready') as bookable,
    taken.days as taken_days, taken.froms as taken_from, taken.untils as taken_until, taken.numbers as taken_numbers
from mailboxes
join customers on customers.customer_id = $1
join domains on domains.customer_id = $1 and domains.domain_id = mailboxes.domain_id
left join ip_ordinals on ip_ordinals.customer_id = $1 and ip_ordinals.ip_id = mailboxes.ip_id
left join lateral (
    select coalesce(array_agg(slots.local_day), '{}') as days, coalesce(array_agg(slots.day_from), '{}') as froms,
        coalesce(array_agg(slots.day_until), '{}') as untils, coalesce(array_agg(slots.number), '{}') as numbers
    from slots
    where slots.customer_id = $1 and slots.mailbox_id = mailboxes.mailbox_id and slots.local_day between $3 and $4
) as taken on true
where mailboxes.customer_id = $1 and mailboxes.mailbox_id > $2
order by mailboxes.mailbox_id
limit $5
