-- Who did what, when and from where: an entry for each change that a key made, written in the transaction of the change.
-- The programs' roles append and read; nobody changes an entry. What an operator does for a customer is an entry of the
-- customer's; operator_audits is a platform table and holds what belongs to none (IPs, routes, operators' keys).

set local citus.multi_shard_modify_mode = 'sequential';
create table audits (
    customer_id uuid not null,
    audit_id uuid not null,
    at timestamptz not null,
    operation text not null,                           -- the contract's operationId
    activity smallint not null,                        -- 1 create, 3 update, 4 delete
    by_operator boolean not null,
    key_id uuid not null,
    source inet,
    user_agent text,
    request_id text not null,
    traceparent text,
    resources jsonb not null,                          -- [{"type", "id"}]
    changes jsonb not null,                            -- [{"field", "before", "after"}]
    constraint audits_pkey primary key (customer_id, audit_id),
    constraint audits_customer_id_fkey foreign key (customer_id) references customers (customer_id),
    constraint audits_activity_check check (activity in (1, 3, 4))
) partition by range (audit_id);
create index audits_by_id on audits (audit_id);
create table audits_default partition of audits default;

create table operator_audits (
    audit_id uuid not null,
    at timestamptz not null,
    operation text not null,
    activity smallint not null,
    key_id uuid not null,
    source inet,
    user_agent text,
    request_id text not null,
    traceparent text,
    resources jsonb not null,
    changes jsonb not null,
    constraint operator_audits_pkey primary key (audit_id),
    constraint operator_audits_activity_check check (activity in (1, 3, 4))
);

alter table audits enable row level security;
alter table audits force row level security;
create policy own on audits to evenpost_server, evenpost_worker, evenpost_jobs, evenpost_smtpd
    using (customer_id = nullif(current_setting('app.customer_id', true), '')::uuid)
    with check (customer_id = nullif(current_setting('app.customer_id', true), '')::uuid);
create policy operator_reads on audits for select to evenpost_operator using (true);
create policy jobs_find on audits for select to evenpost_jobs using (true);
grant select, insert on audits to evenpost_server;
grant insert on operator_audits to evenpost_server;
grant select on audits, operator_audits to evenpost_operator;

-- A message remembers the trace that it came in with (W3C Trace Context), for whoever tells about it later.
alter table messages add column traceparent text;
alter table messages add constraint messages_traceparent_check check (octet_length(traceparent) = 55);

-- As in 0006, for audits too.
create or replace function history_ahead(moment timestamptz, months integer) returns integer
    language plpgsql security definer set search_path = pg_catalog, public
    as $$
declare
    parent text;
    key text;
    month timestamp;
    part text;
    low uuid;
    high uuid;
    made integer := 0;
begin
    set local citus.multi_shard_modify_mode = 'sequential';
    foreach parent in array array['events', 'attempts', 'audits'] loop
        key := rtrim(parent, 's') || '_id';
        for n in 0 .. least(greatest(months, 0), 24) loop
            month := date_trunc('month', moment at time zone 'UTC') + make_interval(months => n);
            part := parent || to_char(month, '_YYYY_MM');
            continue when to_regclass('public.' || part) is not null;
            execute format('lock table public.%I in access exclusive mode', parent || '_default');
            low := uuid_from(month at time zone 'UTC');
            high := uuid_from((month + interval '1 month') at time zone 'UTC');
            execute format('create table public.%I (like public.%I including defaults including constraints)',
                           part, parent);
            execute format('insert into public.%I select * from public.%I where %I >= %L and %I < %L',
                           part, parent || '_default', key, low, key, high);
            execute format('delete from public.%I where %I >= %L and %I < %L',
                           parent || '_default', key, low, key, high);
            execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)',
                           parent, part, low, high);
            made := made + 1;
        end loop;
    end loop;
    return made;
end
$$;
