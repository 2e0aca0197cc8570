-- recipient_hold: may that person, or anybody at that domain, be written to? A suppression waits for us, or we see it.
-- takes: customer uuid, address_key text
-- gives: suppressed boolean
-- costs: one key look-up
select recipients.suppressed_at is not null
from recipients
where recipients.customer_id = $1 and recipients.address_key = $2
for share
