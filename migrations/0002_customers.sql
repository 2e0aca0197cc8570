-- Customers, the keys that speak for them, and the record that makes a repeated POST harmless.
-- customers and operator_keys are platform tables; every other table here begins with its customer.

create table customers (
    customer_id uuid not null,
    name text not null,
    mode text not null,
    state text not null default 'active',
    legal_name text,
    postal_address text,
    contact text,
    recipient_gap_days integer not null,
    created_at timestamptz not null,
    suspended_at timestamptz,
    closed_at timestamptz,
    constraint customers_pkey primary key (customer_id),
    constraint customers_name_check check (name <> ''),
    constraint customers_mode_check check (mode in ('sandbox', 'live')),
    constraint customers_state_check check (state in ('active', 'suspended', 'closed')),
    constraint customers_recipient_gap_days_check check (recipient_gap_days between 0 and 365),
    constraint customers_live_has_identity check (mode = 'sandbox' or (legal_name <> '' and postal_address <> '')),
    constraint customers_suspended_has_time check ((state = 'suspended') = (suspended_at is not null)),
    constraint customers_closed_has_time check ((state = 'closed') = (closed_at is not null))
);

create table api_keys (
    customer_id uuid not null,
    key_id uuid not null,
    name text not null,
    prefix text not null,                              -- what may be shown of it later
    hash bytea not null,                               -- SHA-256 of the whole key
    scopes text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    constraint api_keys_pkey primary key (customer_id, key_id),
    constraint api_keys_hash_key unique (customer_id, hash),
    constraint api_keys_customer_id_fkey foreign key (customer_id) references customers (customer_id),
    constraint api_keys_hash_check check (octet_length(hash) = 32)
);

create table operator_keys (
    key_id uuid not null,
    name text not null,
    prefix text not null,
    hash bytea not null,
    scopes text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    constraint operator_keys_pkey primary key (key_id),
    constraint operator_keys_hash_key unique (hash),
    constraint operator_keys_hash_check check (octet_length(hash) = 32)
);

-- The answer is written in the transaction of its effect. Times are real: a client's patience is not the rules'.
create table idempotency_keys (
    customer_id uuid not null,
    method text not null,
    route text not null,
    key text not null,
    request_hash bytea not null,
    status smallint,                                   -- null only inside the transaction that does the work
    answer text,
    location text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint idempotency_keys_pkey primary key (customer_id, method, route, key),
    constraint idempotency_keys_customer_id_fkey foreign key (customer_id) references customers (customer_id),
    constraint idempotency_keys_key_check check (octet_length(key) between 1 and 255),
    constraint idempotency_keys_hash_check check (octet_length(request_hash) = 32),
    constraint idempotency_keys_answer_check check ((status is null) = (answer is null)),
    constraint idempotency_keys_expiry_check check (expires_at > created_at)
);
create index idempotency_keys_expiry on idempotency_keys (expires_at);

-- The same for what an operator posts that is no customer's: customers, IPs, operators' keys.
create table operator_idempotency_keys (
    method text not null,
    route text not null,
    key text not null,
    request_hash bytea not null,
    status smallint,
    answer text,
    location text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint operator_idempotency_keys_pkey primary key (method, route, key),
    constraint operator_idempotency_keys_key_check check (octet_length(key) between 1 and 255),
    constraint operator_idempotency_keys_hash_check check (octet_length(request_hash) = 32),
    constraint operator_idempotency_keys_answer_check check ((status is null) = (answer is null)),
    constraint operator_idempotency_keys_expiry_check check (expires_at > created_at)
);
create index operator_idempotency_keys_expiry on operator_idempotency_keys (expires_at);
