-- suppression_insert: the suppression as the customer sees it. No row: it stood already.
-- takes: customer uuid, suppression uuid, address_key text, kind text, reason text, now timestamptz
-- gives: suppression_id uuid
-- costs: one insert
insert into suppressions (customer_id, suppression_id, address_key, kind, reason, created_at)
values ($1, $2, $3, $4, $5, $6)
on conflict on constraint suppressions_address_key_key do nothing
returning suppression_id
