-- suppressions_read: suppressions, newest first: one, or a page of a customer's, or of all that the role may see
-- takes: customer uuid?, suppression uuid?, before uuid, wanted bigint
-- gives: suppression_id uuid, address_key text, kind text, reason text, created_at timestamptz
-- costs: one key look-up, or one page of the primary key
select suppression_id, address_key, kind, reason, created_at
from suppressions
where ($1::uuid is null or customer_id = $1)
  and ($2::uuid is null or suppression_id = $2)
  and suppression_id < $3
order by suppression_id desc
limit $4
