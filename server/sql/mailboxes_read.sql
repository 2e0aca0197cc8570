-- mailboxes_read: mailboxes, newest first: some, or a page of a customer's, or of all that the role may see
-- takes: customer uuid?, mailboxes uuid[]?, states text[]?, pool uuid?, address_key text?, before uuid, wanted bigint,
--     now timestamptz
-- gives: customer_id uuid, mailbox_id uuid, address text, display_name text, pool_id uuid, ip_id uuid?, ordinal bigint?,
--     ordinals bigint, time_zone text, window_days smallint, window_start_min smallint, window_end_min smallint,
--     daily_cap smallint, state text, sent_today bigint, next_opening timestamptz?, created_at timestamptz,
--     taken_days date[], taken_from timestamptz[], taken_until timestamptz[], taken_numbers smallint[]
-- costs: one key look-up, or one page of the primary key; two look-ups a row, and the slots of one without an opening
select mailboxes.customer_id, mailboxes.mailbox_id, mailboxes.address, mailboxes.display_name, mailboxes.pool_id,
    mailboxes.ip_id, mailboxes.ordinal, coalesce(ip_ordinals.given, 0) as ordinals, mailboxes.time_zone,
    mailboxes.window_days, mailboxes.window_start_min, mailboxes.window_end_min, mailboxes.daily_cap, mailboxes.state,
    (select count(*)
     from slots
     where slots.customer_id = mailboxes.customer_id and slots.mailbox_id = mailboxes.mailbox_id
       and slots.state in ('authorized', 'spent') and slots.day_from <= $8 and $8 < slots.day_until
       and slots.local_day between $8::date - 2 and $8::date + 2) as sent_today,
    opening.at as next_opening, mailboxes.created_at,
    taken.days as taken_days, taken.froms as taken_from, taken.untils as taken_until, taken.numbers as taken_numbers
from mailboxes
left join ip_ordinals on ip_ordinals.customer_id = mailboxes.customer_id and ip_ordinals.ip_id = mailboxes.ip_id
left join lateral (
    select min(openings.at) as at
    from openings
    where openings.customer_id = mailboxes.customer_id and openings.mailbox_id = mailboxes.mailbox_id and openings.at > $8
) as opening on true
left join lateral (
    select coalesce(array_agg(slots.local_day), '{}') as days, coalesce(array_agg(slots.day_from), '{}') as froms,
        coalesce(array_agg(slots.day_until), '{}') as untils, coalesce(array_agg(slots.number), '{}') as numbers
    from slots
    where opening.at is null and slots.customer_id = mailboxes.customer_id and slots.mailbox_id = mailboxes.mailbox_id
      and slots.local_day between $8::date - 2 and $8::date + 95
) as taken on true
where ($1::uuid is null or mailboxes.customer_id = $1)
  and ($2::uuid[] is null or mailboxes.mailbox_id = any ($2))
  and ($3::text[] is null or mailboxes.state = any ($3))
  and ($4::uuid is null or mailboxes.pool_id = $4)
  and ($5::text is null or mailboxes.address_key = $5)
  and mailboxes.mailbox_id < $6
order by mailboxes.mailbox_id desc
limit $7
