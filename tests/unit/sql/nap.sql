-- nap: sleep on the server
-- takes: seconds double precision
-- gives: slept boolean
-- costs: that time
select pg_sleep($1) is not null as slept
