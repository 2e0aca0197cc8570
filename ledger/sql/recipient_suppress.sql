-- recipient_suppress: nobody of this customer writes to that key any more; waits for acceptances in flight.
-- takes: customer uuid, address_key text, now timestamptz
-- gives: nothing
-- costs: one upsert by key
insert into recipients (customer_id, address_key, suppressed_at)
values ($1, $2, $3)
on conflict on constraint recipients_pkey do update
set suppressed_at = excluded.suppressed_at
