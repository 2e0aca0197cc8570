-- idempotency_forget: deletes a customer's records of requests that nobody will repeat any more.
-- takes: customer uuid, now timestamptz
-- gives: nothing
-- costs: the customer's rows of the index
delete from idempotency_keys
where customer_id = $1 and expires_at <= $2
