-- customer_lock: nobody else changes this customer until the transaction ends
-- takes: customer uuid
-- gives: customer_id uuid
-- costs: one key look-up
select customer_id
from customers
where customer_id = $1
for no key update
