-- A million slots that are booked: of mailboxes of their own, in days of their own, by a customer that books more.
set session_replication_role = replica;
with owner as (select customer_id, mailbox_id, domain_id, pool_id, ip_id from mailboxes limit 1),
boxes as (
    insert into mailboxes (customer_id, mailbox_id, address, address_key, domain_id, pool_id, ip_id, ordinal, time_zone, window_days,
        window_start_min, window_end_min, daily_cap, state, created_at, paused_at)
    select customer_id, gen_random_uuid(), n || '@booked.test', n || '@booked.test', domain_id, pool_id, ip_id, 100000 + n, 'UTC', 127,
        0, 1440, 2, 'paused', '2026-01-01', '2026-01-01'
    from owner, generate_series(1, :booked / 180) n
    returning customer_id, mailbox_id, ip_id),
taken as materialized (
    select customer_id, mailbox_id, ip_id, gen_random_uuid() as message_id, date '2026-11-24' + day as local_day, number
    from boxes, generate_series(0, 89) day, generate_series(0, 1) number),
written as (
    insert into messages (customer_id, message_id, mailbox_id, state, to_address, recipient_key, domain_key, subject, text_body,
        header_message_id, thread_id, first_writing, created_at, dated_at, explanation_code)
    select customer_id, message_id, mailbox_id, 'booked', 'a@b.test', 'a@b.test', 'b.test', 'x', 'x', 'x', message_id, true,
        '2026-01-01', '2026-01-01', 'waiting_for_slot'
    from taken)
insert into slots (customer_id, mailbox_id, local_day, number, day_from, day_until, message_id, ip_id, at, due_at, not_after,
    recipient_key, domain_key, booked_at)
select customer_id, mailbox_id, local_day, number, local_day::timestamptz, local_day::timestamptz + interval '1 day', message_id, ip_id,
    local_day::timestamptz + interval '12 hours', local_day::timestamptz + interval '12 hours',
    local_day::timestamptz + interval '20 hours', 'a@b.test', 'b.test', '2026-01-01'
from taken;
set session_replication_role = origin;
