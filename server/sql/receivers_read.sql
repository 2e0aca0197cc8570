-- receivers_read: what each receiver allows an address now
-- takes: customer uuid, ip uuid, receiver text?
-- gives: receiver text, connection_limit smallint, connections smallint, hold_until timestamptz?, failures integer
-- costs: one page of the primary key
select receiver, connection_limit, connections, hold_until, failures_in_row as failures
from receiver_states
where customer_id = $1 and ip_id = $2 and ($3::text is null or receiver = $3)
order by receiver
limit 10000
