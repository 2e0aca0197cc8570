-- message_insert: a message is kept, and has a slot in the same transaction.
-- takes: customer uuid, message uuid, mailbox uuid, to_address text, to_name text, recipient_key text, domain_key text,
--   subject text, text_body text?, html_body text?, reply_to text?, headers jsonb, attachments jsonb, metadata jsonb,
--   tag text?, header_message_id text, in_reply_to uuid?, thread uuid, first_writing boolean, now timestamptz,
--   scheduled_at timestamptz?, dated_at timestamptz, code text, until timestamptz,
--   from_name text, traceparent text?
-- gives: nothing
-- costs: one insert
insert into messages (
    customer_id, message_id, mailbox_id, state, to_address, to_name, recipient_key, domain_key, subject, text_body,
    html_body, reply_to, headers, attachments, metadata, tag, header_message_id, in_reply_to, thread_id, first_writing,
    created_at, scheduled_at, dated_at, explanation_code, explanation_until, from_name, traceparent)
values ($1, $2, $3, 'booked', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
    $25, $26)
