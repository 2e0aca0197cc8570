-- P7 in the database itself, in full: each role, each table that a customer owns, each verb, with another customer's row (T112).
\ir two_customers.sql
begin;
select no_plan();

create temp table roles as
    select unnest(array['evenpost_server', 'evenpost_operator', 'evenpost_worker', 'evenpost_due', 'evenpost_jobs', 'evenpost_smtpd'])
        as role;
create temp table verbs as select unnest(array['select', 'insert', 'update', 'give', 'lock', 'delete']) as verb;

-- What the role `role`, with the customer `who` set ('': none), is told when it tries that on b's row; update takes the row to a, give hands
-- a row of a to b. nothing: no row. refused: no privilege, or the wall. reached N: rows. Else the error.
create function tried(role text, name text, verb text, who text) returns text language plpgsql as $$
declare
    a uuid := id('customer', 'a');
    b uuid := id('customer', 'b');
    columns text := (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
                     where attrelid = name::regclass and attnum > 0 and not attisdropped and attgenerated = '');
    theirs jsonb;
    rows bigint;
begin
    execute format('select to_jsonb(%I) from %I where customer_id = %L', name, name, b) into strict theirs;
    perform set_config('app.customer_id', case when who = '' then '' else id('customer', who)::text end, true);
    execute format('set local role %I', role);
    execute case verb
        when 'select' then format('select 1 from %I where customer_id = %L', name, b)
        when 'insert' then format('insert into %I (%s) select %s from jsonb_populate_record(null::%I, %L)', name, columns, columns, name, theirs)
        when 'update' then format('update %I set customer_id = %L where customer_id = %L', name, a, b)
        when 'give' then format('update %I set customer_id = %L where customer_id = %L', name, b, a)
        when 'lock' then format('select 1 from %I where customer_id = %L for update', name, b)
        when 'delete' then format('delete from %I where customer_id = %L', name, b)
    end;
    get diagnostics rows = row_count;
    reset role;
    return case rows when 0 then 'nothing' else 'reached ' || rows end;
exception
    when insufficient_privilege then return 'refused';
    when others then return sqlstate;
end
$$;

-- Who may read across customers: three roles by their purpose, and the worker the assignments of IPs.
create function reads_across(role text, name text, verb text) returns boolean language sql as $$
    select verb = 'select' and has_column_privilege(role, name, 'customer_id', 'select')
        and (role in ('evenpost_operator', 'evenpost_jobs', 'evenpost_due') or (role = 'evenpost_worker' and name = 'ip_assignments'))
$$;

select is(told in ('nothing', 'refused'), not reads_across(role, name, verb),
          role || ' for a: ' || verb || ' of b''s row in ' || name || ': ' || told)
from roles, customer_tables, verbs, tried(role, name, verb, 'a') told order by role, name, verb;
select is(told in ('nothing', 'refused'), not reads_across(role, name, verb),
          role || ' for nobody: ' || verb || ' of b''s row in ' || name || ': ' || told)
from roles, customer_tables, verbs, tried(role, name, verb, '') told order by role, name, verb;

-- That it is the wall that refuses, and not the way of asking: for b itself the same comes through, to the row or to its key.
select isnt(tried(role, name, 'insert', 'b'), 'refused', role || ' for b is let through to b''s key in ' || name)
from roles, customer_tables
where has_table_privilege(role, name, 'insert') and role <> 'evenpost_operator' order by role, name;
select matches(tried(role, name, 'select', 'b'), '^reached', role || ' for b sees b''s row in ' || name)
from roles, customer_tables
where has_column_privilege(role, name, 'customer_id', 'select') and role <> 'evenpost_smtpd' order by role, name;

-- Ways around: another role's rights, a function that runs as its owner, a view that reads as its owner, MERGE.
select is(pg_has_role(one.role, other.role, 'member'), false, one.role || ' cannot become ' || other.role)
from roles one, roles other where one.role <> other.role order by one.role, other.role;
select is(pg_has_role(role, 'evenpost_owner', 'member'), false, role || ' cannot become the owner') from roles order by role;
select is(count(*), 0::bigint, 'no view reads as its owner') from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('v', 'm')
  and not exists (select from pg_depend where objid = pg_class.oid and deptype = 'e'); -- pgTAP's own
select is(string_agg(proname, ', ' order by proname), 'history_ahead', 'one function runs as its owner, and it takes no customer''s word')
from pg_proc where pronamespace = 'public'::regnamespace and prosecdef;
create function merged() returns bigint language plpgsql as $$
declare
    rows bigint;
begin
    perform set_config('app.customer_id', id('customer', 'a')::text, true);
    set local role evenpost_server;
    merge into suppressions using (select id('customer', 'b') as customer) b on suppressions.customer_id = b.customer
    when matched then delete;
    get diagnostics rows = row_count;
    reset role;
    return rows;
end
$$;
select is(merged(), 0::bigint, 'MERGE meets the same wall');
select finish();
rollback;
