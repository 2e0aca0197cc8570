-- note_insert: write a note of a customer
-- takes: note bigint, customer uuid, words text
-- gives: nothing
-- costs: one row
insert into notes (note, customer_id, words)
values ($1, $2, $3)
