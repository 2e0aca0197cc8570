-- message_read: one message with what explains it
-- takes: customer uuid, message uuid
-- gives: customer_id uuid, message_id uuid, mailbox_id uuid, state text, to_address text, to_name text, subject text,
--     created_at timestamptz, ended_at timestamptz?, scheduled_at timestamptz?, in_reply_to uuid?, resend_of uuid?,
--     tag text?, traceparent text?, metadata jsonb, explanation_code text, explanation_until timestamptz?,
--     explanation_about text?, from_address text, mailbox_state text, time_zone text, mailbox_ip uuid?,
--     customer_state text, has_route boolean, local_day date?, number smallint?, at timestamptz?, due_at timestamptz?, not_after timestamptz?, slot_ip uuid?,
--     ip text?, halted text[]?, seen_at timestamptz?, lane_ended_at timestamptz?, lane_trouble text?
-- costs: six key look-ups
select messages.customer_id, messages.message_id, messages.mailbox_id, messages.state, messages.to_address,
    messages.to_name, messages.subject, messages.created_at, messages.ended_at, messages.scheduled_at,
    messages.in_reply_to, messages.resend_of, messages.tag, messages.traceparent, messages.metadata, messages.explanation_code,
    messages.explanation_until, messages.explanation_about,
    mailboxes.address as from_address, mailboxes.state as mailbox_state, mailboxes.time_zone,
    mailboxes.ip_id as mailbox_ip, customers.state as customer_state,
    exists (select from routes
            where routes.domain = messages.domain_key or (routes.domain = '*' and customers.mode = 'sandbox')) as has_route,
    slot.local_day, slot.number, slot.at, slot.due_at, slot.not_after, slot.ip_id as slot_ip,
    host(ips.address) as ip, lanes.halted, lanes.seen_at, lanes.ended_at as lane_ended_at,
    lanes.trouble as lane_trouble
from messages
join mailboxes on mailboxes.customer_id = $1 and mailboxes.mailbox_id = messages.mailbox_id
join customers on customers.customer_id = $1
left join lateral (
    select slots.local_day, slots.number, slots.at, slots.due_at, slots.not_after, slots.ip_id
    from slots
    where slots.customer_id = $1 and slots.message_id = messages.message_id
    order by slots.state = 'spent', slots.local_day desc, slots.number desc
    limit 1
) as slot on messages.state <> 'accepted'
left join lanes on lanes.customer_id = $1 and lanes.ip_id = coalesce(slot.ip_id, mailboxes.ip_id)
left join ips on ips.ip_id = coalesce(slot.ip_id, mailboxes.ip_id)
where messages.customer_id = $1 and messages.message_id = $2
