-- server_facts: which server this is, and whether it keeps what it says
-- takes: nothing
-- gives: system_identifier text, timeline integer, flushed bigint?, standby boolean, fsync boolean,
--        full_page_writes boolean, synchronous_commit boolean, wall timestamptz
-- costs: no table; the one statement that asks for a time: the server's, to hold against the host's
select system.system_identifier::text as system_identifier,
    checkpoint.timeline_id as timeline,
    case when not pg_is_in_recovery() then (pg_current_wal_flush_lsn() - '0/0')::bigint end as flushed,
    pg_is_in_recovery() as standby,
    current_setting('fsync') = 'on' as fsync,
    current_setting('full_page_writes') = 'on' as full_page_writes,
    current_setting('synchronous_commit') <> 'off' as synchronous_commit,
    clock_timestamp() as wall
from pg_control_system() as system, pg_control_checkpoint() as checkpoint
