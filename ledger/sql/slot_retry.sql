-- slot_retry: tried again in the same slot, not before a moment. No row: it is not booked any more.
-- takes: customer uuid, message uuid, not_before timestamptz
-- gives: not_after timestamptz
-- costs: one key look-up
update slots
set due_at = greatest(slots.due_at, $3)
where slots.customer_id = $1 and slots.message_id = $2 and slots.state = 'booked' and $3 < slots.not_after
returning slots.not_after
