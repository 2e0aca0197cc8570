-- slots_move: booked slots keep day and number, and get another IP and the second of another plan.
-- takes: customer uuid, messages uuid[], ips uuid[], ats timestamptz[], not_afters timestamptz[]
-- gives: nothing
-- costs: a key look-up a message
update slots
set ip_id = moved.ip_id, at = moved.at, not_after = moved.not_after,
    due_at = case when slots.due_at > slots.at then greatest(slots.due_at, moved.at) else moved.at end
from unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[]) as moved (message_id, ip_id, at, not_after)
where slots.customer_id = $1 and slots.message_id = moved.message_id and slots.state = 'booked'
