-- customer_exists: is there such a customer?
-- takes: customer uuid
-- gives: customer_id uuid
-- costs: one key look-up
select customer_id
from customers
where customer_id = $1
