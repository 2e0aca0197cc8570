-- Two customers with a row in every table that a customer owns; the ids end in a, b.
set client_min_messages = warning;
create extension if not exists pgtap;
set session_replication_role = origin;

create function id(kind text, who text) returns uuid language sql immutable
    as $$ select (rpad('0192a000', 8, '0') || '-' || rpad(left(md5(kind), 4), 4) || '-7000-8000-00000000000' || who)::uuid $$;

create function make(who text) returns void language plpgsql as $make$
declare
    c uuid := id('customer', who);
    t timestamptz := '2026-11-23T06:00:00Z';
begin
    insert into customers (customer_id, name, mode, recipient_gap_days, created_at) values (c, who, 'sandbox', 0, t);
    insert into api_keys values (c, id('key', who), who, 'ep_cus_', sha256(who::bytea), '{}', t, null, null);
    insert into idempotency_keys values (c, 'POST', '/v1/messages', 'k', sha256(who::bytea), 202, '{}', null, t, t + interval '2 d');
    insert into ips (ip_id, address, host, state, created_at)
        values (id('ip', who), ('10.0.0.' || ascii(who))::inet, 'h', 'assigned', t);
    insert into ip_assignments values (id('assignment', who), id('ip', who), c, ('10.0.0.' || ascii(who))::inet, tstzrange(t, null));
    insert into pools values (c, id('pool', who), 'default', t);
    insert into lanes (customer_id, ip_id, pool_id, assigned_at) values (c, id('ip', who), id('pool', who), t);
    insert into ip_ordinals values (c, id('ip', who), 1);
    insert into domains values (c, id('domain', who), who || '.example', 'ready', t, t);
    insert into mailboxes (customer_id, mailbox_id, address, address_key, domain_id, pool_id, ip_id, ordinal, time_zone,
                           window_days, window_start_min, window_end_min, daily_cap, created_at)
        values (c, id('mailbox', who), 'm@' || who || '.example', 'm@' || who || '.example', id('domain', who),
                id('pool', who), id('ip', who), 0, 'UTC', 31, 540, 1020, 2, t);
    insert into templates values (c, id('template', who), 'n', 's', 'text', null, t, null);
    insert into messages (customer_id, message_id, mailbox_id, state, to_address, recipient_key, domain_key, subject, text_body,
                          header_message_id, thread_id, first_writing, created_at, explanation_code)
        values (c, id('message', who), id('mailbox', who), 'booked', 'bo@example.com', 'bo@example.com', 'example.com', 's', 't',
                'x@y', id('message', who), true, t, 'waiting_for_slot');
    insert into openings values (c, id('mailbox', who), '2026-11-23', 1, '2026-11-23T00:00Z', '2026-11-24T00:00Z',
                                 id('ip', who), '2026-11-23T15:00Z', '2026-11-23T17:00Z');
    insert into slots (customer_id, mailbox_id, local_day, number, day_from, day_until, message_id, ip_id, at, due_at,
                       not_after, recipient_key, domain_key, booked_at)
        values (c, id('mailbox', who), '2026-11-23', 0, '2026-11-23T00:00Z', '2026-11-24T00:00Z', id('message', who),
                id('ip', who), '2026-11-23T10:00Z', '2026-11-23T10:00Z', '2026-11-23T17:00Z', 'bo@example.com', 'example.com', t);
    insert into recipients values (c, 'bo@example.com', t, id('message', who), null);
    insert into suppressions values (c, id('suppression', who), 'al@example.com', 'address', 'api', t);
    insert into events values (c, id('event', who), 'message.booked', t, id('message', who), '{}');
    insert into audits (customer_id, audit_id, at, operation, activity, by_operator, key_id, request_id, resources, changes)
        values (c, id('audit', who), t, 'pools_create', 1, false, id('key', who), 'r', '[]', '[]');
    insert into attempts (customer_id, attempt_id, message_id, at, ip_id, ip, receiver, stage, outcome, duration_ms)
        values (c, id('attempt', who), id('message', who), t, id('ip', who), '10.0.0.1', 'r', 'dot', 'deferred', 1);
    insert into receiver_states (customer_id, ip_id, receiver, connection_limit, updated_at)
        values (c, id('ip', who), 'r', 1, t);
end
$make$;
select make('a'), make('b') \g /dev/null

-- Every table that a customer owns, by what makes it one: the column.
create temp table customer_tables as
    select c.oid, c.relname::text as name
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'customer_id' and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition;
