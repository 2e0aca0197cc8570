-- openings_delete_of_customer: waits for the bookings in flight.
-- takes: customer uuid
-- gives: nothing
-- costs: the customer's openings
delete from openings
where openings.customer_id = $1
