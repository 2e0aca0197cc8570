-- P7 in the database itself: what each program's role can see and do, table by table, whatever its statements say.
\ir two_customers.sql
begin;
select no_plan();

-- The catalog.
select is((select count(*) from customer_tables), 19::bigint, 'the tables that a customer owns; a new one must be walled in 0008''s way');
select is(relrowsecurity and relforcerowsecurity, true, name || ' forces row-level security')
from customer_tables join pg_class using (oid) order by name;
select is((select count(*) from pg_policy where polrelid = customer_tables.oid and polname = 'own'), 1::bigint, name || ' shows its customer alone')
from customer_tables order by name;
select is(pg_get_expr(polqual, polrelid),
          '(customer_id = (NULLIF(current_setting(''app.customer_id''::text, true), ''''::text))::uuid)',
          relname || ': the one rule') from pg_policy join pg_class on pg_class.oid = polrelid where polname = 'own' order by relname;
select is((select count(*) from pg_policy where polcmd <> 'r' and polname <> 'own'), 0::bigint, 'nobody writes across customers');
select is(rolsuper or rolbypassrls or rolcreaterole or rolcreatedb, false, rolname || ' is nobody special')
from pg_roles where rolname like 'evenpost\_%' order by rolname;
select is(rolcanlogin, true, rolname || ' has LOGIN') from pg_roles where rolname like 'evenpost\_%' order by rolname;
select is((select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
           and relowner <> 'evenpost_owner'::regrole), 0::bigint, 'the owner owns the tables');
select is(has_table_privilege(role, pg_class.oid, 'select, insert, update, delete, truncate'), false,
          role || ' reaches no partition but through its parent: ' || relname)
from pg_class, unnest(array['evenpost_server', 'evenpost_operator', 'evenpost_worker', 'evenpost_due', 'evenpost_jobs']) role
where relispartition and relkind = 'r' order by relname, role;
select is(has_any_column_privilege('evenpost_due', oid, 'select'), name in ('slots', 'lanes'), 'due reads slots and lanes, no more: ' || name)
from customer_tables order by name;
select is(has_column_privilege(role, 'api_keys', 'hash', 'select'), role = 'evenpost_server', role || ' and the hash of a key')
from unnest(array['evenpost_server', 'evenpost_operator', 'evenpost_worker', 'evenpost_due', 'evenpost_jobs', 'evenpost_smtpd']) role;
select is(has_table_privilege('evenpost_worker', 'messages', 'insert'), false, 'a worker makes no message');
select is(has_table_privilege(role, name, 'truncate'), false, role || ' cannot truncate ' || name)
from customer_tables, unnest(array['evenpost_server', 'evenpost_worker', 'evenpost_jobs']) role order by name, role;
select is(has_table_privilege(role, name, 'update, delete'), false, role || ' appends to ' || name || ', no more')
from unnest(array['events', 'attempts', 'audits', 'operator_audits']) name, unnest(array['evenpost_server', 'evenpost_worker', 'evenpost_jobs']) role;

-- By trying it: each role, each table it may read.
create function seen(name text, role text, customer uuid) returns bigint language plpgsql as $$
declare
    rows bigint;
begin
    perform set_config('app.customer_id', coalesce(customer::text, ''), true);
    execute format('set local role %I', role);
    execute format('select count(customer_id) from %I', name) into rows;
    reset role;
    return rows;
end
$$;
select is(seen(name, role, null), case when role = 'evenpost_jobs' then 2
                                       when role = 'evenpost_worker' and name = 'ip_assignments' then 2 else 0 end::bigint,
          role || ' without a customer sees nothing of ' || name)
from customer_tables, unnest(array['evenpost_server', 'evenpost_worker', 'evenpost_jobs']) role
where has_column_privilege(role, name, 'customer_id', 'select') order by role, name;
select is(seen(name, 'evenpost_server', id('customer', 'a')), 1::bigint, 'the server sees its customer''s row of ' || name)
from customer_tables where has_table_privilege('evenpost_server', name, 'select') order by name;
select is(seen(name, 'evenpost_operator', null), 2::bigint, 'an operator sees both of ' || name)
from customer_tables where has_column_privilege('evenpost_operator', name, 'customer_id', 'select') order by name;
select is(has_table_privilege('evenpost_operator', name, 'insert, update, delete'), false, 'an operator writes nothing: ' || name)
from customer_tables order by name;
select is(seen(name, 'evenpost_due', null), 2::bigint, 'due sees all of ' || name) from unnest(array['slots', 'lanes']) name;

create function touched(name text, role text, verb text) returns bigint language plpgsql as $$
declare
    rows bigint;
begin
    perform set_config('app.customer_id', id('customer', 'a')::text, true);
    execute format('set local role %I', role);
    execute case verb when 'update' then format('update %I set customer_id = customer_id where customer_id = %L', name, id('customer', 'b'))
                      else format('delete from %I where customer_id = %L', name, id('customer', 'b')) end;
    get diagnostics rows = row_count;
    reset role;
    return rows;
end
$$;
select is(touched(name, role, verb), 0::bigint, role || ' cannot ' || verb || ' another''s ' || name)
from customer_tables, unnest(array['evenpost_server', 'evenpost_worker', 'evenpost_jobs']) role, unnest(array['update', 'delete']) verb
where has_table_privilege(role, name, verb) and has_column_privilege(role, name, 'customer_id', 'select') order by role, name, verb;

create function smuggled(role text, statement text) returns text language plpgsql as $$
begin
    perform set_config('app.customer_id', id('customer', 'a')::text, true);
    execute format('set local role %I', role);
    execute statement;
    reset role;
    return 'written';
exception when others then
    return sqlstate;
end
$$;
select is(smuggled('evenpost_server', format('insert into pools values (%L, %L, ''x'', ''2026-11-23'')', id('customer', 'b'), id('x', 'b'))),
          '42501', 'a row of another customer is refused');
select is(smuggled('evenpost_server', format('update pools set customer_id = %L', id('customer', 'b'))), '42501',
          'a row cannot be given to another customer');
select is(smuggled('evenpost_server', format('insert into messages select %L, %L, mailbox_id, ''booked'', '
          '''x'', '''', ''x'', ''x'', ''x'', ''x'' from mailboxes', id('customer', 'a'), id('x', 'a'))) <> 'written', true,
          'a message needs all of itself');
select finish();
rollback;
