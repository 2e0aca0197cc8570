-- Messages, the slots they take, the openings they took them from, and the people they are for.
-- The slot's primary key *is* the cap (P2): a mailbox has two numbers a local day, and a number is taken once.

create table messages (
    customer_id uuid not null,
    message_id uuid not null,
    mailbox_id uuid not null,
    state text not null,
    to_address text not null,
    to_name text not null default '',
    recipient_key text not null,                       -- canonical address: what a suppression names
    domain_key text not null,                          -- its domain, without @
    subject text not null,
    text_body text,
    html_body text,
    reply_to text,
    headers jsonb not null default '{}',
    attachments jsonb not null default '[]',
    template_id uuid,
    variables jsonb,
    header_message_id text not null,                   -- the Message-ID header; a resend has its original's
    in_reply_to uuid,                                  -- the message of ours that it follows
    thread_id uuid not null,                           -- the first message of its thread
    resend_of uuid,
    first_writing boolean not null,                    -- it holds the recipient's mark
    tag text,
    metadata jsonb not null default '{}',
    created_at timestamptz not null,
    dated_at timestamptz,                              -- the Date header: its slot's second while nothing was offered yet
    scheduled_at timestamptz,                          -- not before
    retry_at timestamptz,                              -- deferred: not before
    first_attempt_at timestamptz,
    attempt_count integer not null default 0,
    rebook_count integer not null default 0,
    explanation_code text not null,                    -- stored with the decision (P8)
    explanation_until timestamptz,
    explanation_about text,                            -- the receiver, domain or entry that the code speaks of
    ended_at timestamptz,
    constraint messages_pkey primary key (customer_id, message_id),
    constraint messages_mailbox_id_fkey foreign key (customer_id, mailbox_id) references mailboxes (customer_id, mailbox_id),
    constraint messages_template_id_fkey foreign key (customer_id, template_id)
        references templates (customer_id, template_id),
    constraint messages_in_reply_to_fkey foreign key (customer_id, in_reply_to) references messages (customer_id, message_id),
    constraint messages_resend_of_fkey foreign key (customer_id, resend_of) references messages (customer_id, message_id),
    constraint messages_state_check check (state in (
        'accepted', 'booked', 'sending', 'delivered', 'bounced', 'unconfirmed', 'resent', 'cancelled', 'expired',
        'suppressed')),
    constraint messages_ended_has_time check ((state in ('accepted', 'booked', 'sending')) = (ended_at is null)),
    constraint messages_body_check check (num_nonnulls(text_body, html_body, template_id) > 0),
    constraint messages_counts_check check (attempt_count >= 0 and rebook_count >= 0),
    constraint messages_attempted_has_time check (attempt_count = 0 or first_attempt_at is not null),
    constraint messages_explanation_code_check check (explanation_code in (
        'waiting_for_slot', 'waiting_for_window', 'scheduled', 'sending', 'spacing', 'receiver_on_hold', 'receiver_busy',
        'greylisted', 'deferred_by_receiver', 'no_route', 'no_free_slot', 'resolver_unavailable', 'domain_not_ready',
        'domain_paused', 'mailbox_paused', 'mailbox_closed', 'ip_paused', 'ip_unavailable', 'owner_changing',
        'worker_absent', 'ramping', 'customer_suspended', 'quarantined_after_restore', 'waiting_for_thread', 'delivered',
        'bounced', 'unconfirmed', 'resent', 'cancelled', 'expired', 'suppressed'))
);
create index messages_mailbox on messages (customer_id, mailbox_id, message_id);
create index messages_recipient on messages (customer_id, recipient_key, message_id);
create index messages_domain on messages (customer_id, domain_key) where ended_at is null;
create index messages_open on messages (customer_id, mailbox_id, message_id) where ended_at is null;
create unique index messages_resend_of on messages (customer_id, resend_of) where resend_of is not null;

-- Derived data: what the plan has and nobody has taken. Queue-like, so vacuum comes early.
create table openings (
    customer_id uuid not null,
    mailbox_id uuid not null,
    local_day date not null,
    number smallint not null,
    day_from timestamptz not null,                     -- the local day as a stretch of time, in the zone of the laying
    day_until timestamptz not null,
    ip_id uuid not null,
    at timestamptz not null,
    not_after timestamptz not null,
    constraint openings_pkey primary key (customer_id, mailbox_id, local_day, number),
    constraint openings_mailbox_id_fkey foreign key (customer_id, mailbox_id)
        references mailboxes (customer_id, mailbox_id),
    constraint openings_ip_id_fkey foreign key (customer_id, ip_id) references lanes (customer_id, ip_id),
    constraint openings_number_check check (number in (0, 1)),
    constraint openings_times_check check (day_from <= at and at < not_after and not_after < day_until)
) with (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200,
    autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0
);
create index openings_at on openings (customer_id, at);

-- One permission to send. Deleted when it is freed while booked; once authorized it stays for ever.
create table slots (
    customer_id uuid not null,
    mailbox_id uuid not null,
    local_day date not null,
    number smallint not null,
    day_from timestamptz not null,                     -- the local day as it was when the slot was booked: a later zone
    day_until timestamptz not null,                    -- of the mailbox may not lay a day over it
    message_id uuid not null,
    ip_id uuid not null,
    at timestamptz not null,                           -- the plan's second
    due_at timestamptz not null,                       -- at, or later: when the next try inside this slot may begin
    not_after timestamptz not null,
    state text not null default 'booked',
    recipient_key text not null,
    domain_key text not null,
    booked_at timestamptz not null,
    generation bigint,                                 -- which owner of the IP authorized it
    authorized_at timestamptz,
    authorized_real_at timestamptz,                    -- by the real clock: how long has it been in doubt?
    spent_at timestamptz,
    constraint slots_pkey primary key (customer_id, mailbox_id, local_day, number),
    constraint slots_mailbox_id_fkey foreign key (customer_id, mailbox_id) references mailboxes (customer_id, mailbox_id),
    constraint slots_message_id_fkey foreign key (customer_id, message_id) references messages (customer_id, message_id),
    constraint slots_ip_id_fkey foreign key (customer_id, ip_id) references lanes (customer_id, ip_id),
    constraint slots_number_check check (number in (0, 1)),
    constraint slots_times_check check (
        day_from <= at and at < not_after and not_after < day_until and due_at >= at),
    constraint slots_state_check check (state in ('booked', 'authorized', 'spent')),
    constraint slots_authorized_has_owner check (
        case when state = 'booked' then num_nonnulls(generation, authorized_at, authorized_real_at) = 0
             else num_nonnulls(generation, authorized_at, authorized_real_at) = 3 end),
    constraint slots_spent_has_time check ((state = 'spent') = (spent_at is not null))
);
create unique index slots_message_live on slots (customer_id, message_id) where state <> 'spent';
create index slots_message on slots (customer_id, message_id);
create index slots_due on slots (customer_id, ip_id, due_at) where state = 'booked';
create index slots_over on slots (customer_id, not_after) where state = 'booked';
create index slots_begun on slots (customer_id, ip_id, authorized_at) where authorized_at is not null;
create index slots_in_doubt on slots (customer_id, ip_id) where state = 'authorized';

-- Where accept, suppress and erase meet: one row for a person, one for a domain (its key has no @).
create table recipients (
    customer_id uuid not null,
    address_key text not null,
    first_written_at timestamptz,                      -- the mark: written to first, then
    first_message_id uuid,                             -- by this message
    suppressed_at timestamptz,
    constraint recipients_pkey primary key (customer_id, address_key),
    constraint recipients_customer_id_fkey foreign key (customer_id) references customers (customer_id),
    constraint recipients_mark_is_whole check ((first_written_at is null) = (first_message_id is null))
);

create table suppressions (
    customer_id uuid not null,
    suppression_id uuid not null,
    address_key text not null,                         -- an address or a domain, canonical
    kind text not null,
    reason text not null,
    created_at timestamptz not null,
    constraint suppressions_pkey primary key (customer_id, suppression_id),
    constraint suppressions_address_key_key unique (customer_id, address_key),
    constraint suppressions_customer_id_fkey foreign key (customer_id) references customers (customer_id),
    constraint suppressions_kind_check check ((kind = 'address') = (position('@' in address_key) > 0)),
    constraint suppressions_kind_word_check check (kind in ('address', 'domain')),
    constraint suppressions_reason_check check (reason in ('api', 'bounce', 'complaint', 'unsubscribe', 'import'))
);
