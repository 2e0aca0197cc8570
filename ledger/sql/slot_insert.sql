-- slot_insert: an opening is taken.
-- takes: customer uuid, mailbox uuid, local_day date, number smallint, day_from timestamptz, day_until timestamptz,
--   message uuid, ip uuid, at timestamptz, not_after timestamptz, recipient_key text, domain_key text, now timestamptz
-- gives: nothing
-- costs: one insert
insert into slots (
    customer_id, mailbox_id, local_day, number, day_from, day_until, message_id, ip_id, at, due_at, not_after,
    recipient_key, domain_key, booked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13)
