-- Who may come in. One role owns the tables and migrates them; every program has a role of its own, which owns nothing,
-- cannot bypass row-level security, and can log in (a distributed PostgreSQL connects between its nodes as that role).
-- Roles belong to the cluster, not to the database: a second database beside the first finds them made.

do $roles$
declare
    wanted text;
begin
    foreach wanted in array array[
        'evenpost_owner',      -- owns, migrates
        'evenpost_server',     -- the control API: one customer a transaction
        'evenpost_operator',   -- an operator's lists: reads across customers
        'evenpost_worker',     -- the lanes: one customer a transaction
        'evenpost_due',        -- the lanes' one read across customers
        'evenpost_jobs',       -- finds work across customers, writes one customer a transaction
        'evenpost_smtpd']      -- mail that comes in
    loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
            execute format('create role %I login nosuperuser nocreatedb nocreaterole nobypassrls', wanted);
        end if;
    end loop;
    if not pg_has_role(current_user, 'evenpost_owner', 'member') then
        execute format('grant evenpost_owner to %I', current_user);
    end if;
end
$roles$;

revoke all on schema public from public;
grant usage, create on schema public to evenpost_owner;
grant usage on schema public
    to evenpost_server, evenpost_operator, evenpost_worker, evenpost_due, evenpost_jobs, evenpost_smtpd;
alter table migrations owner to evenpost_owner;
