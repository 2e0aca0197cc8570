-- slot_next: the earliest moment after now at which something booked may go, over all customers: its slot's, or, where that
-- has passed, the one that its explanation names (its turn after the gap, the end of a hold). Empty: nothing is booked.
-- psql variables: now
select to_char(min(moment) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
from (
    select case when slots.due_at > :'now' then slots.due_at else messages.explanation_until end as moment
    from slots
    join messages on messages.customer_id = slots.customer_id and messages.message_id = slots.message_id
    where slots.state = 'booked') as waiting
where moment > :'now';
