-- recipient_of_suppression: the row of the key that a suppression names, held first, as by who suppresses it.
-- takes: customer uuid, suppression uuid
-- gives: nothing
-- costs: two key look-ups
select
from recipients
join suppressions on suppressions.customer_id = $1 and suppressions.address_key = recipients.address_key
where recipients.customer_id = $1 and suppressions.suppression_id = $2
for no key update of recipients
