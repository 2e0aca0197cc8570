-- mailboxes_plan: what the rules need to know of these mailboxes.
-- takes: customer uuid, mailboxes uuid[]
-- gives: mailbox_id uuid, state text, pool_id uuid, ip_id uuid?, ordinal bigint?, ordinals bigint, time_zone text,
--   window_days smallint, window_start_min smallint, window_end_min smallint, daily_cap smallint, plan_version bigint,
--   laid_until date?, customer_state text, domain_ready boolean
-- costs: four key look-ups a mailbox
select mailboxes.mailbox_id, mailboxes.state, mailboxes.pool_id, mailboxes.ip_id, mailboxes.ordinal,
    coalesce(ip_ordinals.given, 0), mailboxes.time_zone, mailboxes.window_days, mailboxes.window_start_min,
    mailboxes.window_end_min, mailboxes.daily_cap, mailboxes.plan_version, mailboxes.laid_until,
    customers.state as customer_state,
    customers.mode = 'sandbox' or domains.state = 'ready'
from mailboxes
join customers on customers.customer_id = mailboxes.customer_id
join domains on domains.customer_id = $1 and domains.domain_id = mailboxes.domain_id
left join ip_ordinals on ip_ordinals.customer_id = $1 and ip_ordinals.ip_id = mailboxes.ip_id
where mailboxes.customer_id = $1 and mailboxes.mailbox_id = any ($2)
order by mailboxes.mailbox_id
