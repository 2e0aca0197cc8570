-- slots_above_cap: booked slots that have no place under a lower cap: their number is too high, or the day's other dots
-- fill it already.
-- takes: customer uuid, mailbox uuid, cap smallint
-- gives: message_id uuid
-- costs: an index range of the mailbox's booked slots, a key look-up each; at most 1,000
select slots.message_id
from slots
where slots.customer_id = $1 and slots.mailbox_id = $2 and slots.state = 'booked'
  and (slots.number >= $3
       or (select count(*)
           from slots gone
           where gone.customer_id = $1 and gone.mailbox_id = $2 and gone.local_day = slots.local_day
             and gone.state <> 'booked') >= $3)
order by slots.local_day, slots.number
limit 1000
