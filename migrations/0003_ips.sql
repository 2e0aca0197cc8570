-- Addresses, whose they are and were, and the lane that sends from each. One IP has one customer at a time: a constraint
-- says so (P3). ips and ip_assignments are platform tables, rarely written and never locked on the sending path; what an
-- authorization locks is the customer's own row in lanes.

create table ips (
    ip_id uuid not null,
    address inet not null,
    host text not null,
    ptr text,
    state text not null default 'available',
    available_at timestamptz,                          -- when its quarantine ends
    paused boolean not null default false,
    created_at timestamptz not null,
    constraint ips_pkey primary key (ip_id),
    constraint ips_address_key unique (address),
    constraint ips_ip_id_address_key unique (ip_id, address),
    constraint ips_address_check check (masklen(address) = case family(address) when 4 then 32 else 128 end),
    constraint ips_state_check check (state in ('available', 'assigned', 'quarantined', 'retired')),
    constraint ips_quarantine_has_end check ((state = 'quarantined') = (available_at is not null))
);
create index ips_host on ips (host);

create table ip_assignments (
    assignment_id uuid not null,
    ip_id uuid not null,
    customer_id uuid not null,
    address inet not null,
    during tstzrange not null,
    constraint ip_assignments_pkey primary key (assignment_id),
    constraint ip_assignments_ip_fkey foreign key (ip_id, address) references ips (ip_id, address),
    constraint ip_assignments_customer_id_fkey foreign key (customer_id) references customers (customer_id),
    constraint ip_assignments_one_customer exclude using gist (address inet_ops with =, during with &&)
);
create unique index ip_assignments_now on ip_assignments (ip_id) where upper_inf(during);
create index ip_assignments_customer on ip_assignments (customer_id);

create table pools (
    customer_id uuid not null,
    pool_id uuid not null,
    name text not null,
    created_at timestamptz not null,
    constraint pools_pkey primary key (customer_id, pool_id),
    constraint pools_name_key unique (customer_id, name),
    constraint pools_customer_id_fkey foreign key (customer_id) references customers (customer_id),
    constraint pools_name_check check (name <> '')
);

-- Made by assign, ended by release; kept for the slots that refer to it, and taken up again if the IP comes back.
-- since, seen_at and ended_at are real time (heartbeats); assigned_at and released_at are the rules' time.
create table lanes (
    customer_id uuid not null,
    ip_id uuid not null,
    pool_id uuid not null,
    generation bigint not null default 0,              -- which owner; raised by each new one
    host text,
    pid integer,
    since timestamptz,
    seen_at timestamptz,
    ended_at timestamptz,                              -- a clean end: nobody needs to wait
    halted text[] not null default '{}',               -- why nothing may be sent; empty: may send
    assigned_at timestamptz not null,
    released_at timestamptz,
    constraint lanes_pkey primary key (customer_id, ip_id),
    constraint lanes_customer_id_fkey foreign key (customer_id) references customers (customer_id),
    constraint lanes_ip_id_fkey foreign key (ip_id) references ips (ip_id),
    constraint lanes_pool_id_fkey foreign key (customer_id, pool_id) references pools (customer_id, pool_id),
    constraint lanes_generation_check check (generation >= 0),
    constraint lanes_halted_check check (halted <@ array['ip_paused', 'customer_suspended', 'released', 'quarantine']),
    constraint lanes_released_is_halted check ((released_at is not null) = ('released' = any (halted))),
    constraint lanes_owner_is_whole check (
        num_nulls(host, pid, since, seen_at) in (0, 4) and (ended_at is null or since is not null))
);
create index lanes_pool on lanes (customer_id, pool_id);

-- How many ordinals an IP has given. Apart from lanes, so that making mailboxes waits for no authorization.
create table ip_ordinals (
    customer_id uuid not null,
    ip_id uuid not null,
    given bigint not null default 0,
    constraint ip_ordinals_pkey primary key (customer_id, ip_id),
    constraint ip_ordinals_lane_fkey foreign key (customer_id, ip_id) references lanes (customer_id, ip_id),
    constraint ip_ordinals_given_check check (given >= 0)
);
