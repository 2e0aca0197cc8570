-- Where mail goes, and what each receiver told each IP.

create table routes (
    domain text not null,                              -- '*' is the default route
    host text not null,
    port integer not null default 25,
    tls text not null default 'opportunistic',
    updated_at timestamptz not null,
    constraint routes_pkey primary key (domain),
    constraint routes_domain_check check (domain <> '' and domain = lower(domain)),
    constraint routes_host_check check (host <> ''),
    constraint routes_port_check check (port between 1 and 65535),
    constraint routes_tls_check check (tls in ('none', 'opportunistic', 'required'))
);

-- Kept, so that a restart does not forget a hold.
create table receiver_states (
    customer_id uuid not null,
    ip_id uuid not null,
    receiver text not null,
    connection_limit smallint not null,                -- allowed when no hold and no probe is on
    connections smallint not null default 0,           -- open now, as the lane last said
    probing boolean not null default false,            -- held, or after a hold and not yet delivered
    failures_in_row integer not null default 0,
    successes_in_row integer not null default 0,
    doublings integer not null default 0,              -- how long the next hold is
    hold_until timestamptz,
    updated_at timestamptz not null,
    constraint receiver_states_pkey primary key (customer_id, ip_id, receiver),
    constraint receiver_states_lane_fkey foreign key (customer_id, ip_id) references lanes (customer_id, ip_id),
    constraint receiver_states_counts_check check (
        connection_limit >= 0 and connections >= 0 and failures_in_row >= 0 and successes_in_row >= 0 and doublings >= 0)
);
