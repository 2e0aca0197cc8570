-- What happened: append-only, partitioned by range of the UUIDv7, so that the key stays short, pages read newest first
-- and retention drops whole months. Nothing refers to these tables. The default partition takes what no month was made
-- for, so that no outcome is ever refused.

create table events (
    customer_id uuid not null,
    event_id uuid not null,
    type text not null,
    at timestamptz not null,
    message_id uuid,
    data jsonb not null default '{}',
    constraint events_pkey primary key (customer_id, event_id),
    constraint events_customer_id_fkey foreign key (customer_id) references customers (customer_id),
    constraint events_type_check check (type in (
        'message.accepted', 'message.booked', 'message.delivered', 'message.deferred', 'message.bounced',
        'message.complained', 'message.unconfirmed', 'message.resent', 'message.cancelled', 'message.expired',
        'message.suppressed', 'message.replied', 'message.unsubscribed', 'mailbox.created', 'mailbox.paused',
        'mailbox.closed', 'domain.ready', 'domain.failing', 'ip.assigned', 'ip.released', 'ip.held', 'ip.paused',
        'invoice.created', 'billing.usage.daily', 'billing.period.closed'))
) partition by range (event_id);
create index events_message on events (customer_id, message_id, event_id);
create table events_default partition of events default;

create table attempts (
    customer_id uuid not null,
    attempt_id uuid not null,
    message_id uuid not null,
    at timestamptz not null,
    ip_id uuid not null,
    ip inet not null,
    receiver text not null,
    mx text,
    remote text,
    tls_version text,
    tls_cipher text,
    tls_verified text,
    stage text not null,
    reply_code smallint,
    reply_enhanced text,
    reply_text text,
    outcome text not null,
    smtp_error_id text,
    duration_ms integer not null,
    transcript text[] not null default '{}',
    constraint attempts_pkey primary key (customer_id, attempt_id),
    constraint attempts_customer_id_fkey foreign key (customer_id) references customers (customer_id),
    constraint attempts_stage_check check (stage in (
        'connect', 'banner', 'ehlo', 'starttls', 'mail', 'rcpt', 'data', 'dot')),
    constraint attempts_outcome_check check (outcome in (
        'delivered', 'deferred', 'bounced', 'unconfirmed', 'refused_here', 'not_sent')),
    constraint attempts_tls_verified_check check (tls_verified in ('none', 'dane', 'mta-sts', 'pkix')),
    constraint attempts_duration_ms_check check (duration_ms >= 0)
) partition by range (attempt_id);
create index attempts_message on attempts (customer_id, message_id, attempt_id);
create table attempts_default partition of attempts default;

-- The smallest UUIDv7 of a moment.
create function uuid_from(moment timestamptz) returns uuid
    language sql immutable strict parallel safe
    as $$ select rpad(lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0'), 32, '0')::uuid $$;

-- Makes the months from the one of `moment` to `months` after it; gives how many were new. Rows of such a month that the
-- default partition took meanwhile move into it. Runs as the owner, because only the owner may make a table.
create function history_ahead(moment timestamptz, months integer) returns integer
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
    foreach parent in array array['events', 'attempts'] loop
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
revoke all on function history_ahead(timestamptz, integer) from public;
