-- slots_taken: the slot rows of a mailbox within some days, of any state.
-- takes: customer uuid, mailbox uuid, from_day date, to_day date
-- gives: local_day date, day_from timestamptz, day_until timestamptz, number smallint
-- costs: an index range: two rows a day
select slots.local_day, slots.day_from, slots.day_until, slots.number
from slots
where slots.customer_id = $1 and slots.mailbox_id = $2 and slots.local_day between $3 and $4
order by slots.local_day, slots.number
limit 1000
