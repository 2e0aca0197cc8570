-- attempt_insert: an attempt is told once. No row: it was told before.
-- takes: customer uuid, attempt uuid, message uuid, at timestamptz, ip uuid, address text, receiver text, mx text?,
--   remote text?, tls_version text?, tls_cipher text?, tls_verified text?, stage text, reply_code smallint?,
--   reply_enhanced text?, reply_text text?, outcome text, smtp_error text?, duration_ms integer, transcript text[]
-- gives: attempt_id uuid
-- costs: one insert
insert into attempts (
    customer_id, attempt_id, message_id, at, ip_id, ip, receiver, mx, remote, tls_version, tls_cipher, tls_verified,
    stage, reply_code, reply_enhanced, reply_text, outcome, smtp_error_id, duration_ms, transcript)
values ($1, $2, $3, $4, $5, ($6::text)::inet, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
on conflict do nothing
returning attempt_id
