-- message_booked: a message that waited, or lost its slot, has one. The Date header follows until something was offered.
-- takes: customer uuid, message uuid, at timestamptz, code text, about text?
-- gives: nothing
-- costs: one key look-up
update messages
set state = 'booked', explanation_code = $4, explanation_until = $3, explanation_about = $5,
    dated_at = case when messages.attempt_count = 0 then $3 else messages.dated_at end,
    rebook_count = messages.rebook_count + 1
where messages.customer_id = $1 and messages.message_id = $2 and messages.state in ('accepted', 'booked', 'sending')
