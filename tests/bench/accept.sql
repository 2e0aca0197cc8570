-- What one acceptance writes, by pgbench in one statement and one trip: the least that this database can be asked.
-- pgbench variables: customer, ip (with 500 mailboxes)
\set box random(0, 499)
\set day random(0, 2000000)
with ids as materialized (
    select gen_random_uuid() as message_id, (select mailbox_id from mailboxes where customer_id = :customer::uuid and ip_id = :ip::uuid and ordinal = :box::bigint) as mailbox_id,
           date '2000-01-01' + :day::integer as local_day, timestamptz '2027-01-01' as at),
person as (
    insert into recipients (customer_id, address_key, first_written_at, first_message_id)
    select :customer::uuid, message_id || '@load.test', at, message_id from ids
    returning address_key),
message as (
    insert into messages (customer_id, message_id, mailbox_id, state, to_address, recipient_key, domain_key, subject, text_body,
        header_message_id, thread_id, first_writing, created_at, dated_at, explanation_code)
    select :customer::uuid, message_id, mailbox_id, 'booked', message_id || '@load.test', message_id || '@load.test', 'load.test',
        'A question', E'Dear Sir or Madam,\n\nwould Tuesday suit you?\n\nYours, Ann Lee\n', message_id || '@a.test', message_id,
        true, at, at, 'waiting_for_slot' from ids
    returning message_id),
slot as (
    insert into slots (customer_id, mailbox_id, local_day, number, day_from, day_until, message_id, ip_id, at, due_at, not_after,
        recipient_key, domain_key, booked_at)
    select :customer::uuid, mailbox_id, local_day, 0, at, at + interval '1 day', message_id, :ip::uuid, at, at, at + interval '8 hours',
        message_id || '@load.test', 'load.test', at from ids
    on conflict do nothing)
insert into events (customer_id, event_id, type, at, message_id, data)
select :customer::uuid, gen_random_uuid(), type, at, message_id, '{}' from ids, unnest(array['message.accepted', 'message.booked']) as type;
