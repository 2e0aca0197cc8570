-- messages_read: messages with all that explains them, newest first: one, or a page of a customer's, or of all
-- takes: customer uuid?, message uuid?, states text[]?, mailbox uuid?, recipient_key text?, tag text?, before uuid,
--     wanted bigint
-- gives: customer_id uuid, message_id uuid, mailbox_id uuid, state text, to_address text, to_name text, subject text,
--     created_at timestamptz, ended_at timestamptz?, scheduled_at timestamptz?, in_reply_to uuid?, resend_of uuid?,
--     tag text?, traceparent text?, metadata jsonb, explanation_code text, explanation_until timestamptz?,
--     explanation_about text?, from_address text, mailbox_state text, time_zone text, mailbox_ip uuid?,
--     customer_state text, has_route boolean, local_day date?, number smallint?, at timestamptz?, due_at timestamptz?, not_after timestamptz?, slot_ip uuid?,
--     ip text?, halted text[]?, seen_at timestamptz?, lane_ended_at timestamptz?, lane_trouble text?,
--     attempt_id uuid?, attempt_at timestamptz?, attempt_ip text?, receiver text?, mx text?, remote text?,
--     tls_version text?, tls_cipher text?, tls_verified text?, stage text?, reply_code smallint?, reply_enhanced text?,
--     reply_text text?, outcome text?, smtp_error_id text?, duration_ms integer?, transcript text[]?
-- costs: one key look-up, or one page of the primary key; seven look-ups a row
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
    lanes.trouble as lane_trouble,
    attempt.attempt_id, attempt.at as attempt_at, host(attempt.ip) as attempt_ip, attempt.receiver, attempt.mx,
    attempt.remote, attempt.tls_version, attempt.tls_cipher, attempt.tls_verified, attempt.stage, attempt.reply_code,
    attempt.reply_enhanced, attempt.reply_text, attempt.outcome, attempt.smtp_error_id, attempt.duration_ms,
    attempt.transcript
from messages
join mailboxes on mailboxes.customer_id = messages.customer_id and mailboxes.mailbox_id = messages.mailbox_id
join customers on customers.customer_id = messages.customer_id
left join lateral (
    select slots.local_day, slots.number, slots.at, slots.due_at, slots.not_after, slots.ip_id
    from slots
    where slots.customer_id = messages.customer_id and slots.message_id = messages.message_id
    order by slots.state = 'spent', slots.local_day desc, slots.number desc
    limit 1
) as slot on messages.state <> 'accepted'
left join lanes on lanes.customer_id = messages.customer_id and lanes.ip_id = coalesce(slot.ip_id, mailboxes.ip_id)
left join ips on ips.ip_id = coalesce(slot.ip_id, mailboxes.ip_id)
left join lateral (
    select attempts.attempt_id, attempts.at, attempts.ip, attempts.receiver, attempts.mx, attempts.remote,
        attempts.tls_version, attempts.tls_cipher, attempts.tls_verified, attempts.stage, attempts.reply_code,
        attempts.reply_enhanced, attempts.reply_text, attempts.outcome, attempts.smtp_error_id, attempts.duration_ms,
        attempts.transcript
    from attempts
    where attempts.customer_id = messages.customer_id and attempts.message_id = messages.message_id
    order by attempts.attempt_id desc
    limit 1
) as attempt on messages.attempt_count > 0 or messages.explanation_code <> 'waiting_for_slot'
where ($1::uuid is null or messages.customer_id = $1)
  and ($2::uuid is null or messages.message_id = $2)
  and ($3::text[] is null or messages.state = any ($3))
  and ($4::uuid is null or messages.mailbox_id = $4)
  and ($5::text is null or messages.recipient_key = $5)
  and ($6::text is null or messages.tag = $6)
  and messages.message_id < $7
order by messages.message_id desc
limit $8
