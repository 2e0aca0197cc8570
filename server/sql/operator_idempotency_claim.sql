-- operator_idempotency_claim: an operator's Idempotency-Key is taken, or one that has expired is taken anew. No row: it was used.
-- takes: method text, route text, key text, request_hash bytea, real_now timestamptz, expires_at timestamptz
-- gives: claimed boolean
-- costs: one key look-up; waits for an equal request that is under way
insert into operator_idempotency_keys (method, route, key, request_hash, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6)
on conflict on constraint operator_idempotency_keys_pkey do update
set request_hash = excluded.request_hash, status = null, answer = null, location = null,
    created_at = excluded.created_at, expires_at = excluded.expires_at
where operator_idempotency_keys.expires_at <= excluded.created_at
returning true as claimed
