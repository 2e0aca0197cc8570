-- Events are followed in the order in which they can be seen. An event's id is made before its commit, so one that
-- commits later may have an earlier id: a reader who went on behind the last id it saw never heard of it. `tx` is the
-- transaction that wrote the event; readers go on by (tx, event_id) and stop before the oldest transaction that still
-- writes, whose events may yet come.
--
-- Numbers of transactions belong to a cluster: a restore from a dump must first advance the new one's beyond the largest
-- `tx` that it holds. A distributed database numbers them per node: there a reader follows one customer at a time.

set local citus.multi_shard_modify_mode = 'sequential';
alter table events add column tx xid8 not null default pg_current_xact_id();
create index events_in_order on events (customer_id, tx, event_id);
create index events_in_order_of_all on events (tx, event_id);
