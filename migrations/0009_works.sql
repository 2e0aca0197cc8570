-- What jobs do, and how they find it. A row of works is a lease by real time: which process does that kind of work at the
-- moment. It is a hint that saves double work; two at once harm nobody, because the ledger leaves alone what moved.

create table works (
    name text not null,
    holder uuid not null,
    held_until timestamptz not null,
    constraint works_pkey primary key (name)
);
grant select, insert, update on works to evenpost_jobs;

-- Reads across customers, each as small as what there is to do.
create index slots_overdue on slots (not_after) where state = 'booked';
create index slots_unsettled on slots (customer_id, ip_id, authorized_real_at) where state = 'authorized';
create index messages_waiting on messages (customer_id, mailbox_id, message_id) where state = 'accepted';
create index messages_tried on messages (first_attempt_at) where state = 'accepted';
create index openings_passed on openings (at);
