-- server_facts: which server this is, and whether it keeps what it says
-- takes: nothing
-- gives: system_identifier text, timeline integer, flushed bigint, fsync boolean, full_page_writes boolean,
--        synchronous_commit boolean, waits_for_standby boolean, wall timestamptz
-- costs: no table; the one statement that asks for a time: the server's, to hold against the host's
select system.system_identifier::text as system_identifier,
    ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer as timeline,
    (pg_current_wal_flush_lsn() - '0/0')::bigint as flushed,
    current_setting('fsync') = 'on' as fsync,
    current_setting('full_page_writes') = 'on' as full_page_writes,
    current_setting('synchronous_commit') <> 'off' as synchronous_commit,
    current_setting('synchronous_commit') <> 'local' or current_setting('synchronous_standby_names') = ''
        as waits_for_standby,
    clock_timestamp() as wall
from pg_control_system() as system
