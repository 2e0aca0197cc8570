-- operator_idempotency_forget: the same for the operator's.
-- takes: now timestamptz
-- gives: nothing
-- costs: an index range
delete from operator_idempotency_keys
where expires_at <= $1
