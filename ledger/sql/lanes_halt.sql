-- lanes_halt: the same for all lanes of a customer.
-- takes: customer uuid, word text
-- gives: nothing
-- costs: a row an IP
update lanes
set halted = array_append(array_remove(lanes.halted, $2), $2)
where lanes.customer_id = $1
