-- attempt_last: the last attempt of a message
-- takes: customer uuid, message uuid
-- gives: attempt_id uuid, at timestamptz, ip text, receiver text, mx text?, remote text?, tls_version text?,
--     tls_cipher text?, tls_verified text?, stage text, reply_code smallint?, reply_enhanced text?, reply_text text?,
--     outcome text, smtp_error_id text?, duration_ms integer, transcript text[]
-- costs: one look-up in an index
select attempt_id, at, host(ip) as ip, receiver, mx, remote, tls_version, tls_cipher, tls_verified, stage, reply_code,
    reply_enhanced, reply_text, outcome, smtp_error_id, duration_ms, transcript
from attempts
where customer_id = $1 and message_id = $2
order by attempt_id desc
limit 1
