-- operator_idempotency_keep: the answer to an operator's Idempotency-Key, in the transaction of its effect
-- takes: method text, route text, key text, status smallint, answer text, location text?
-- gives: nothing
-- costs: one key look-up
update operator_idempotency_keys
set status = $4, answer = $5, location = $6
where method = $1 and route = $2 and key = $3 and status is null
