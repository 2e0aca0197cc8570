-- lane_shares: what the least gap of an IP is summed over: its active mailboxes, equal ones together; and its customer's mode.
-- takes: customer uuid, ip uuid
-- gives: time_zone text, window_days smallint, window_start_min smallint, window_end_min smallint, daily_cap smallint, mailboxes bigint
-- costs: a row a mailbox of the IP
select time_zone, window_days, window_start_min, window_end_min, daily_cap, count(*)
from mailboxes
where customer_id = $1 and ip_id = $2 and state = 'active'
group by time_zone, window_days, window_start_min, window_end_min, daily_cap
