-- lane_halt: one more reason that nothing may be sent; waits for the authorizations in flight.
-- takes: customer uuid, ip uuid, word text
-- gives: ip_id uuid
-- costs: one key look-up
update lanes
set halted = array_append(array_remove(lanes.halted, $3), $3)
where lanes.customer_id = $1 and lanes.ip_id = $2
returning lanes.ip_id
