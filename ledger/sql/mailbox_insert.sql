-- mailbox_insert: a sending address.
-- takes: customer uuid, mailbox uuid, address text, address_key text, domain uuid, display_name text, pool uuid, ip uuid?,
--   ordinal bigint?, time_zone text, window_days smallint, window_start_min smallint, window_end_min smallint,
--   daily_cap smallint, now timestamptz
-- gives: nothing
-- costs: one insert
insert into mailboxes (
    customer_id, mailbox_id, address, address_key, domain_id, display_name, pool_id, ip_id, ordinal, time_zone,
    window_days, window_start_min, window_end_min, daily_cap, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
