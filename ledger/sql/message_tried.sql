-- message_tried: it was tried; thirty days run from the first time, twelve attempts are counted.
-- takes: customer uuid, message uuid, now timestamptz, counted integer, retry_at timestamptz?
-- gives: nothing
-- costs: one key look-up
update messages
set attempt_count = messages.attempt_count + $4,
    first_attempt_at = coalesce(messages.first_attempt_at, $3),
    retry_at = coalesce($5, messages.retry_at)
where messages.customer_id = $1 and messages.message_id = $2
