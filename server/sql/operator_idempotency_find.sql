-- operator_idempotency_find: what was answered to an operator's Idempotency-Key. Locked: see message_exists
-- takes: method text, route text, key text
-- gives: request_hash bytea, status smallint?, answer text?, location text?
-- costs: one key look-up
select request_hash, status, answer, location
from operator_idempotency_keys
where method = $1 and route = $2 and key = $3
for key share
