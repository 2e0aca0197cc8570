-- mailbox_set: the changed mailbox; raised: its plan is another from here on.
-- takes: customer uuid, mailbox uuid, display_name text, time_zone text, window_days smallint, window_start_min smallint,
--   window_end_min smallint, daily_cap smallint, state text, paused_at timestamptz?, raised boolean
-- gives: nothing
-- costs: one key look-up
update mailboxes
set display_name = $3, time_zone = $4, window_days = $5, window_start_min = $6, window_end_min = $7, daily_cap = $8,
    state = $9, paused_at = case when $9 = 'paused' then coalesce(mailboxes.paused_at, $10) end,
    plan_version = mailboxes.plan_version + case when $11 then 1 else 0 end,
    laid_until = case when $11 then null else mailboxes.laid_until end
where mailboxes.customer_id = $1 and mailboxes.mailbox_id = $2
