-- message_resend: a new message with an old one's content and Message-ID header.
-- takes: customer uuid, old uuid, fresh uuid, now timestamptz, dated_at timestamptz, code text, until timestamptz,
--   traceparent text?
-- gives: nothing
-- costs: one key look-up, one insert
insert into messages (
    customer_id, message_id, mailbox_id, state, to_address, to_name, recipient_key, domain_key, subject, text_body,
    html_body, reply_to, headers, attachments, template_id, variables, metadata, tag, header_message_id, in_reply_to,
    thread_id, from_name, resend_of, first_writing, created_at, dated_at, explanation_code, explanation_until,
    traceparent)
select old.customer_id, $3, old.mailbox_id, 'booked', old.to_address, old.to_name, old.recipient_key, old.domain_key,
    old.subject, old.text_body, old.html_body, old.reply_to, old.headers, old.attachments, old.template_id, old.variables,
    old.metadata, old.tag, old.header_message_id, old.in_reply_to, old.thread_id, old.from_name, old.message_id, false, $4,
    $5, $6, $7, $8
from messages old
where old.customer_id = $1 and old.message_id = $2
