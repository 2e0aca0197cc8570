-- idempotency_find: what was answered to a customer's Idempotency-Key. Locked: see message_exists
-- takes: customer uuid, method text, route text, key text
-- gives: request_hash bytea, status smallint?, answer text?, location text?
-- costs: one key look-up
select request_hash, status, answer, location
from idempotency_keys
where customer_id = $1 and method = $2 and route = $3 and key = $4
for key share
