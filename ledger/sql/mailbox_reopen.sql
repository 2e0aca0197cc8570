-- mailbox_reopen: a closed address comes back as the row it always was, with its slots.
-- takes: customer uuid, mailbox uuid, address text, domain uuid, display_name text, pool uuid, ip uuid?, ordinal bigint?,
--   time_zone text, window_days smallint, window_start_min smallint, window_end_min smallint, daily_cap smallint
-- gives: nothing
-- costs: one key look-up
update mailboxes
set state = 'active', closed_at = null, address = $3, domain_id = $4, display_name = $5, pool_id = $6, ip_id = $7,
    ordinal = $8, time_zone = $9, window_days = $10, window_start_min = $11, window_end_min = $12, daily_cap = $13,
    plan_version = mailboxes.plan_version + 1, laid_until = null
where mailboxes.customer_id = $1 and mailboxes.mailbox_id = $2 and mailboxes.state = 'closed'
