-- idempotency_expired: customers with records of requests that nobody will repeat any more. The operator's is the nil uuid.
-- takes: now timestamptz, most bigint
-- gives: customer_id uuid
-- costs: an index range
(select distinct customer_id
 from idempotency_keys
 where expires_at <= $1
 limit $2)
union all
(select uuid '00000000-0000-0000-0000-000000000000'
 from operator_idempotency_keys
 where expires_at <= $1
 limit 1)
