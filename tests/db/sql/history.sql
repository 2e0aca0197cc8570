-- Events and attempts: months are made ahead, what no month was made for is taken all the same, and moves when it is.
\ir two_customers.sql
begin;
select no_plan();
select is(history_ahead('2030-01-15T00:00:00Z', 2), 9, 'three months of three tables');
select is(history_ahead('2030-01-15T00:00:00Z', 2), 0, 'twice changes nothing');

insert into events values (id('customer', 'a'), uuid_from('2031-05-05T05:05:05Z'), 'message.booked', '2031-05-05T05:05:05Z', null, '{}');
select is((select tableoid::regclass::text from events where at = '2031-05-05T05:05:05Z'), 'events_default', 'nothing is refused');
select is(history_ahead('2031-05-20T00:00:00Z', 0), 3, 'its month is made afterwards');
select is((select tableoid::regclass::text from events where at = '2031-05-05T05:05:05Z'), 'events_2031_05', 'and it moved there');

insert into events values (id('customer', 'a'), uuid_from('2031-05-31T23:59:59.999Z'), 'message.booked', '2031-05-31T23:59:59.999Z', null, '{}');
select is((select tableoid::regclass::text from events where at = '2031-05-31T23:59:59.999Z'), 'events_2031_05', 'to the last millisecond');
select is((select count(*) from pg_constraint where confrelid in (select oid from pg_class where relname ~ '^(events|attempts|audits)')
           and contype = 'f'), 0::bigint, 'nothing refers to history, so a month can be dropped');
select lives_ok('drop table events_2031_05', 'a month can be dropped');
set local role evenpost_jobs;
select is(history_ahead('2032-01-15T00:00:00Z', 0), 3, 'jobs may make months');
set local role evenpost_server;
select throws_ok('select history_ahead(''2033-01-15T00:00:00Z'', 0)', '42501', null, 'the server may not');
reset role;
select finish();
rollback;
