-- suppression_find: the one that stands for this key.
-- takes: customer uuid, address_key text
-- gives: suppression_id uuid, created_at timestamptz
-- costs: one key look-up
select suppressions.suppression_id, suppressions.created_at
from suppressions
where suppressions.customer_id = $1 and suppressions.address_key = $2
