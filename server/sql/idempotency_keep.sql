-- idempotency_keep: the answer to a customer's Idempotency-Key, in the transaction of its effect
-- takes: customer uuid, method text, route text, key text, status smallint, answer text, location text?
-- gives: nothing
-- costs: one key look-up
update idempotency_keys
set status = $5, answer = $6, location = $7
where customer_id = $1 and method = $2 and route = $3 and key = $4 and status is null
