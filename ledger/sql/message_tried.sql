-- message_tried: an attempt counts; what was offered once keeps its date.
-- takes: customer uuid, message uuid, now timestamptz, counted integer, retry_at timestamptz?
-- gives: nothing
-- costs: one key look-up
update messages
set attempt_count = messages.attempt_count + $4,
    first_attempt_at = case when $4 > 0 then coalesce(messages.first_attempt_at, $3) else messages.first_attempt_at end,
    retry_at = coalesce($5, messages.retry_at)
where messages.customer_id = $1 and messages.message_id = $2
