-- slots_of_messages: the booked slots of held messages.
-- takes: customer uuid, messages uuid[]
-- gives: message_id uuid, mailbox_id uuid, local_day date, number smallint, day_from timestamptz, day_until timestamptz,
--   at timestamptz, not_after timestamptz
-- costs: a key look-up a message
select slots.message_id, slots.mailbox_id, slots.local_day, slots.number, slots.day_from, slots.day_until,
    slots.at, slots.not_after
from slots
where slots.customer_id = $1 and slots.message_id = any ($2) and slots.state = 'booked'
order by slots.message_id
