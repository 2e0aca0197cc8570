-- message_hold: a message, held until the transaction ends: whoever moves one or its slot holds it first.
-- takes: customer uuid, message uuid
-- gives: state text, mailbox_id uuid, recipient_key text, domain_key text, attempt_count integer,
--   first_attempt_at timestamptz?, scheduled_at timestamptz?, retry_at timestamptz?, explanation_code text,
--   explanation_about text?
-- costs: one key look-up; waits for an authorization in flight
select messages.state, messages.mailbox_id, messages.recipient_key, messages.domain_key, messages.attempt_count,
    messages.first_attempt_at, messages.scheduled_at, messages.retry_at, messages.explanation_code,
    messages.explanation_about
from messages
where messages.customer_id = $1 and messages.message_id = $2
for no key update
