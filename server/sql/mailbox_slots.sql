-- mailbox_slots: the slots that a mailbox has taken, of some local days
-- takes: customer uuid, mailbox uuid, from_day date, until_day date
-- gives: local_day date, day_from timestamptz, day_until timestamptz, number smallint, at timestamptz, state text,
--     message_id uuid
-- costs: a range of the primary key
select local_day, day_from, day_until, number, at, state, message_id
from slots
where customer_id = $1 and mailbox_id = $2 and local_day between $3 and $4
order by local_day, number
limit 1000
