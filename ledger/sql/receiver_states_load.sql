-- receiver_states_load: all that receivers told this IP.
-- takes: customer uuid, ip uuid
-- gives: receiver text, connection_limit smallint, connections smallint, probing boolean, failures_in_row integer,
--   successes_in_row integer, doublings integer, hold_until timestamptz?, updated_at timestamptz
-- costs: an index range, a row a receiver; the 10,000 newest
select receiver_states.receiver, receiver_states.connection_limit, receiver_states.connections, receiver_states.probing,
    receiver_states.failures_in_row, receiver_states.successes_in_row, receiver_states.doublings,
    receiver_states.hold_until, receiver_states.updated_at
from receiver_states
where receiver_states.customer_id = $1 and receiver_states.ip_id = $2
order by receiver_states.updated_at desc
limit 10000
