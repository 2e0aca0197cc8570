-- customer_hold: a customer, held for a change of its state.
-- takes: customer uuid
-- gives: state text
-- costs: one key look-up
select customers.state
from customers
where customers.customer_id = $1
for no key update
