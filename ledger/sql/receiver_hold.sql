-- receiver_hold: until when that receiver was left alone, as it was stored before.
-- takes: customer uuid, ip uuid, receiver text
-- gives: hold_until timestamptz?
-- costs: one key look-up
select receiver_states.hold_until
from receiver_states
where receiver_states.customer_id = $1 and receiver_states.ip_id = $2 and receiver_states.receiver = $3
