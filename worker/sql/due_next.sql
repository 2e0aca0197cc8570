-- due_next: what these lanes may begin soon: the overdue slots by their second, and those that come.
-- takes: customers uuid[], ips uuid[], now timestamptz, planned_from timestamptz[], ahead timestamptz, most bigint
-- gives: customer_id uuid, ip_id uuid, message_id uuid, mailbox_id uuid, local_day date, number smallint, at timestamptz, due_at timestamptz, not_after timestamptz, domain_key text
-- costs: two index ranges a lane
select lane.customer_id, lane.ip_id, due.message_id, due.mailbox_id, due.local_day, due.number, due.at, due.due_at,
       due.not_after, due.domain_key
from unnest($1, $2, $4) as lane (customer_id, ip_id, planned_from)
cross join lateral (
    (select slots.message_id, slots.mailbox_id, slots.local_day, slots.number, slots.at, slots.due_at, slots.not_after,
            slots.domain_key
     from slots
     where slots.customer_id = lane.customer_id and slots.ip_id = lane.ip_id and slots.state = 'booked'
       and slots.due_at < lane.planned_from and slots.not_after > $3
     order by slots.at
     limit $6)
    union all
    (select slots.message_id, slots.mailbox_id, slots.local_day, slots.number, slots.at, slots.due_at, slots.not_after,
            slots.domain_key
     from slots
     where slots.customer_id = lane.customer_id and slots.ip_id = lane.ip_id and slots.state = 'booked'
       and slots.due_at >= lane.planned_from and slots.due_at < $5 and slots.not_after > $3
     order by slots.due_at
     limit $6)) as due
