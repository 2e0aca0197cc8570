-- domains_read: sending domains, newest first: one, or a page of a customer's, or of all that the role may see
-- takes: customer uuid?, domain uuid?, states text[]?, before uuid, wanted bigint
-- gives: domain_id uuid, name text, state text, created_at timestamptz
-- costs: one key look-up, or one page of the primary key
select domain_id, name, state, created_at
from domains
where ($1::uuid is null or customer_id = $1)
  and ($2::uuid is null or domain_id = $2)
  and ($3::text[] is null or state = any ($3))
  and domain_id < $4
order by domain_id desc
limit $5
