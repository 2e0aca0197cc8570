-- message_recipient_hold: the row of the person a message is for, held.
-- takes: customer uuid, message uuid
-- gives: nothing
-- costs: two key look-ups
select
from recipients
join messages on messages.customer_id = $1 and messages.recipient_key = recipients.address_key
where recipients.customer_id = $1 and messages.message_id = $2
for no key update of recipients
