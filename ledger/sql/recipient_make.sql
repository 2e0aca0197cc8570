-- recipient_make: there is a row to meet at, for a person or a domain.
-- takes: customer uuid, address_key text
-- gives: nothing
-- costs: one key look-up, an insert the first time
insert into recipients (customer_id, address_key)
values ($1, $2)
on conflict on constraint recipients_pkey do nothing
