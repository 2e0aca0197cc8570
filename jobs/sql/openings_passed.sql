-- openings_passed: customers with openings that nobody took in time.
-- takes: now timestamptz, most bigint
-- gives: customer_id uuid
-- costs: one index probe a customer
select customers.customer_id
from customers
where exists (
    select from openings
    where openings.customer_id = customers.customer_id and openings.at <= $1)
limit $2
