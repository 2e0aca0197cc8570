-- recipient_unsuppress: that key may be written to again.
-- takes: customer uuid, address_key text
-- gives: nothing
-- costs: one key look-up
update recipients
set suppressed_at = null
where recipients.customer_id = $1 and recipients.address_key = $2
