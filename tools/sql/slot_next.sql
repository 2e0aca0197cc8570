-- slot_next: the earliest moment after now at which something booked is due, over all customers; empty: nothing is booked.
-- psql variables: now
select to_char(min(due_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
from slots
where state = 'booked' and due_at > :'now';
