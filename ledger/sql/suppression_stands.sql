-- suppression_stands: does one forbid to write to that person, or to anybody at that domain?
-- takes: customer uuid, recipient_key text, domain_key text
-- gives: address_key text
-- costs: two key look-ups
select suppressions.address_key
from suppressions
where suppressions.customer_id = $1 and suppressions.address_key in ($2, $3)
limit 1
