-- lanes_unhalt: that reason is gone for all lanes of a customer; others stay.
-- takes: customer uuid, word text
-- gives: nothing
-- costs: a row an IP
update lanes
set halted = array_remove(lanes.halted, $2)
where lanes.customer_id = $1
