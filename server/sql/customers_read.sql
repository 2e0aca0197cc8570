-- customers_read: customers, newest first: one, or a page of those that the role may see
-- takes: customer uuid?, states text[]?, before uuid, wanted bigint
-- gives: customer_id uuid, name text, mode text, state text, legal_name text?, postal_address text?, contact text?,
--     recipient_gap_days integer, created_at timestamptz
-- costs: one key look-up, or one page of the primary key
select customer_id, name, mode, state, legal_name, postal_address, contact, recipient_gap_days, created_at
from customers
where ($1::uuid is null or customer_id = $1)
  and ($2::text[] is null or state = any ($2))
  and customer_id < $3
order by customer_id desc
limit $4
