-- messages_moved: their slots have other seconds by now.
-- takes: customer uuid, messages uuid[], ats timestamptz[]
-- gives: nothing
-- costs: a key look-up a message
update messages
set explanation_until = moved.at,
    dated_at = case when messages.attempt_count = 0 then moved.at else messages.dated_at end
from unnest($2::uuid[], $3::timestamptz[]) as moved (message_id, at)
where messages.customer_id = $1 and messages.message_id = moved.message_id and messages.state = 'booked'
