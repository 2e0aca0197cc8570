-- customer_facts: may it have something new? No row: no such customer.
-- takes: customer uuid
-- gives: live boolean, state text
-- costs: one key look-up
select customers.mode = 'live', customers.state
from customers
where customers.customer_id = $1
