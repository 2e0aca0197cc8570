-- domains_named: which of these the customer has.
-- takes: customer uuid, names text[]
-- gives: domain_id uuid, name text
-- costs: a key look-up a name
select domains.domain_id, domains.name
from domains
where domains.customer_id = $1 and domains.name = any ($2)
