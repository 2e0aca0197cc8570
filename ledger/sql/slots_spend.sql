-- slots_spend: the slots of messages in doubt are spent.
-- takes: customer uuid, messages uuid[], now timestamptz
-- gives: nothing
-- costs: a key look-up a message
update slots
set state = 'spent', spent_at = $3
where slots.customer_id = $1 and slots.message_id = any ($2) and slots.state = 'authorized'
