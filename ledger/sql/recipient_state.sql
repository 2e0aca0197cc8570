-- recipient_state: why was the mark refused?
-- takes: customer uuid, address_key text
-- gives: suppressed boolean, first_written_at timestamptz?
-- costs: one key look-up
select recipients.suppressed_at is not null, recipients.first_written_at
from recipients
where recipients.customer_id = $1 and recipients.address_key = $2
