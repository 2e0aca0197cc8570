-- recipient_mark: this message is the first writing to that person. No row: suppressed, or written to lately.
-- takes: customer uuid, address_key text, now timestamptz, message uuid, gap_start timestamptz
-- gives: address_key text
-- costs: one upsert by key; waits for another acceptance or suppression of the same person
insert into recipients as r (customer_id, address_key, first_written_at, first_message_id)
values ($1, $2, $3, $4)
on conflict on constraint recipients_pkey do update
set first_written_at = excluded.first_written_at, first_message_id = excluded.first_message_id
where r.suppressed_at is null and (r.first_written_at is null or r.first_written_at <= $5)
returning r.address_key
