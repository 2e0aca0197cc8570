-- The walls between customers (P7), and what each program may do.
--
-- Every customer table shows a transaction the rows of the customer that it named with `set local app.customer_id`, and
-- none when it named none. Row-level security is forced: the owner, too, sees nothing by accident. Beyond that one rule
-- only three roles read across customers: operator (an operator's lists), due (what a lane's host must send next) and jobs
-- (finding work); none of them writes across.
-- On partitions nobody has a privilege: they are reached through their parent, and so through its policy.

do $walls$
declare
    customer_table text;
begin
    foreach customer_table in array array[
        'customers', 'api_keys', 'idempotency_keys', 'ip_assignments', 'pools', 'lanes', 'ip_ordinals', 'domains',
        'mailboxes', 'templates', 'messages', 'openings', 'slots', 'recipients', 'suppressions', 'events', 'attempts',
        'receiver_states']
    loop
        execute format('alter table %I enable row level security', customer_table);
        execute format('alter table %I force row level security', customer_table);
        execute format(
            'create policy own on %I to evenpost_server, evenpost_worker, evenpost_jobs, evenpost_smtpd '
            'using (customer_id = nullif(current_setting(''app.customer_id'', true), '''')::uuid) '
            'with check (customer_id = nullif(current_setting(''app.customer_id'', true), '''')::uuid)', customer_table);
        execute format('create policy operator_reads on %I for select to evenpost_operator using (true)', customer_table);
        execute format('create policy jobs_find on %I for select to evenpost_jobs using (true)', customer_table);
    end loop;
end
$walls$;
create policy due_reads on slots for select to evenpost_due using (true);
create policy due_reads on lanes for select to evenpost_due using (true);
create policy worker_finds on ip_assignments for select to evenpost_worker using (true);

-- server: everything a request may do; messages, slots and events are never deleted but for a freed slot.
grant select, insert, update on customers, api_keys, operator_keys, ips, ip_assignments, pools, lanes, ip_ordinals, domains,
    mailboxes, templates, messages, recipients, routes to evenpost_server;
grant select, insert, update, delete on idempotency_keys, operator_idempotency_keys, openings, slots, suppressions
    to evenpost_server;
grant delete on pools, domains, routes to evenpost_server;
grant select, insert on events to evenpost_server;
grant select on attempts to evenpost_server;
grant select, update, delete on receiver_states to evenpost_server;

-- operator: reads, and no secret.
grant select on customers, ips, ip_assignments, pools, lanes, ip_ordinals, domains, mailboxes, templates, messages, openings,
    slots, recipients, suppressions, events, attempts, routes, receiver_states to evenpost_operator;
grant select (customer_id, key_id, name, prefix, scopes, created_at, expires_at, revoked_at) on api_keys
    to evenpost_operator;
grant select (key_id, name, prefix, scopes, created_at, expires_at, revoked_at) on operator_keys to evenpost_operator;

-- worker: one lane's writes. It cannot make a message, read a key or change an IP.
grant select on customers, ips, ip_assignments, pools, ip_ordinals, domains, templates, routes to evenpost_worker;
grant select, update on lanes, mailboxes, messages, recipients to evenpost_worker;
grant select, insert, update, delete on slots, openings, receiver_states to evenpost_worker;
grant select, insert on events, attempts, suppressions to evenpost_worker;
grant insert on recipients to evenpost_worker;

-- due: what must be sent next, and by whom.
grant select on slots, lanes to evenpost_due;

-- jobs: laying, re-booking, stale owners, retention.
grant select on customers, ips, ip_assignments, pools, ip_ordinals, domains, templates, routes, attempts, suppressions,
    receiver_states to evenpost_jobs;
grant select, update on lanes, mailboxes, messages, recipients to evenpost_jobs;
grant select, insert, update, delete on slots, openings to evenpost_jobs;
grant select, insert on events to evenpost_jobs;
grant select (customer_id, method, route, key, expires_at), delete on idempotency_keys to evenpost_jobs;
grant select (method, route, key, expires_at), delete on operator_idempotency_keys to evenpost_jobs;
grant execute on function history_ahead(timestamptz, integer) to evenpost_jobs;

-- everybody: which migrations there are.
grant select on migrations to evenpost_server, evenpost_operator, evenpost_worker, evenpost_due, evenpost_jobs, evenpost_smtpd;
