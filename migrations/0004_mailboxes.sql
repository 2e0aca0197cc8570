-- Sending addresses, their domains, and the texts they send. A mailbox is never deleted: the cap belongs to the address,
-- and the same address of the same customer is the same row for ever, with its slots.

create table domains (
    customer_id uuid not null,
    domain_id uuid not null,
    name text not null,
    state text not null default 'pending',
    created_at timestamptz not null,
    ready_at timestamptz,
    constraint domains_pkey primary key (customer_id, domain_id),
    constraint domains_name_key unique (customer_id, name),
    constraint domains_customer_id_fkey foreign key (customer_id) references customers (customer_id),
    constraint domains_state_check check (state in ('pending', 'ready', 'failing')),
    constraint domains_ready_has_time check (state <> 'ready' or ready_at is not null)
);

create table mailboxes (
    customer_id uuid not null,
    mailbox_id uuid not null,
    address text not null,                             -- as the customer wrote it
    address_key text not null,                         -- its canonical form
    domain_id uuid not null,
    display_name text not null default '',
    pool_id uuid not null,
    ip_id uuid,                                        -- null: its pool has none
    ordinal bigint,                                    -- its place on that IP
    time_zone text not null,
    window_days smallint not null,                     -- bit 0 is Monday
    window_start_min smallint not null,                -- local minutes after midnight
    window_end_min smallint not null,
    daily_cap smallint not null,
    state text not null default 'active',
    plan_version bigint not null default 1,            -- raised before its openings are deleted
    laid_until date,                                   -- openings stand for the local days up to here; null: for none
    created_at timestamptz not null,
    paused_at timestamptz,
    closed_at timestamptz,
    constraint mailboxes_pkey primary key (customer_id, mailbox_id),
    constraint mailboxes_address_key_key unique (customer_id, address_key),
    constraint mailboxes_domain_id_fkey foreign key (customer_id, domain_id) references domains (customer_id, domain_id),
    constraint mailboxes_pool_id_fkey foreign key (customer_id, pool_id) references pools (customer_id, pool_id),
    constraint mailboxes_ip_id_fkey foreign key (customer_id, ip_id) references lanes (customer_id, ip_id),
    constraint mailboxes_window_days_check check (window_days between 1 and 127),
    constraint mailboxes_window_check check (
        window_start_min >= 0 and window_end_min <= 1440 and window_end_min - window_start_min >= 15),
    constraint mailboxes_daily_cap_check check (daily_cap in (1, 2)),
    constraint mailboxes_state_check check (state in ('active', 'paused', 'closed')),
    constraint mailboxes_paused_has_time check ((state = 'paused') = (paused_at is not null)),
    constraint mailboxes_closed_has_time check ((state = 'closed') = (closed_at is not null)),
    constraint mailboxes_ordinal_check check (ordinal >= 0),
    constraint mailboxes_ordinal_has_ip check ((ip_id is null) = (ordinal is null)),
    constraint mailboxes_closed_frees_ordinal check (state <> 'closed' or ordinal is null),
    constraint mailboxes_plan_version_check check (plan_version > 0)
);
create unique index mailboxes_ordinal on mailboxes (customer_id, ip_id, ordinal);
create index mailboxes_pool on mailboxes (customer_id, pool_id);

create table templates (
    customer_id uuid not null,
    template_id uuid not null,
    name text not null,
    subject text not null,
    text_body text,
    html_body text,
    created_at timestamptz not null,
    deleted_at timestamptz,
    constraint templates_pkey primary key (customer_id, template_id),
    constraint templates_customer_id_fkey foreign key (customer_id) references customers (customer_id),
    constraint templates_body_check check (num_nonnulls(text_body, html_body) > 0)
);
