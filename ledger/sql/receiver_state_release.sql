-- receiver_state_release: an operator lifts a hold; one connection probes.
-- takes: customer uuid, ip uuid, receiver text, now timestamptz
-- gives: receiver text
-- costs: one key look-up
update receiver_states
set hold_until = null, probing = true, updated_at = $4
where receiver_states.customer_id = $1 and receiver_states.ip_id = $2 and receiver_states.receiver = $3
returning receiver_states.receiver
