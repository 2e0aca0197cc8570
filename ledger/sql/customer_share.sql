-- customer_share: the state of a customer; a change of it waits for us, or we see it.
-- takes: customer uuid
-- gives: state text
-- costs: one key look-up
select customers.state
from customers
where customers.customer_id = $1
for share
