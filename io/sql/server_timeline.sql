-- server_timeline: which cluster this is, and how many failovers it has seen; of a new primary, before it serves
-- takes: nothing
-- gives: system_identifier text, timeline integer
-- costs: no table
select system.system_identifier::text as system_identifier,
    ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer as timeline
from pg_control_system() as system
