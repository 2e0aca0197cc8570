-- server_process: whose answer this is
-- takes: nothing
-- gives: pid integer
-- costs: nothing
select pg_backend_pid() as pid
