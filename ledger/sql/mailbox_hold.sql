-- mailbox_hold: a mailbox, held for a change; waits for layings and authorizations in flight.
-- takes: customer uuid, mailbox uuid
-- gives: state text, pool_id uuid, ip_id uuid?, time_zone text, window_days smallint, window_start_min smallint,
--   window_end_min smallint, daily_cap smallint, display_name text
-- costs: one key look-up
select mailboxes.state, mailboxes.pool_id, mailboxes.ip_id, mailboxes.time_zone, mailboxes.window_days,
    mailboxes.window_start_min, mailboxes.window_end_min, mailboxes.daily_cap, mailboxes.display_name
from mailboxes
where mailboxes.customer_id = $1 and mailboxes.mailbox_id = $2
for no key update
