-- slots_taken: the slot rows of a mailbox from a day on, of any state.
-- takes: customer uuid, mailbox uuid, from_day date
-- gives: local_day date, day_from timestamptz, day_until timestamptz, number smallint
-- costs: an index range: two rows a day up to the horizon
select slots.local_day, slots.day_from, slots.day_until, slots.number
from slots
where slots.customer_id = $1 and slots.mailbox_id = $2 and slots.local_day >= $3
order by slots.local_day, slots.number
limit 1000
