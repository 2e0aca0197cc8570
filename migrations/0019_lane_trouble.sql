-- What keeps a lane's living owner from sending, as its host sees it: the customer is told (P8). Its heartbeat writes it,
-- and the next owner begins without.

set local citus.multi_shard_modify_mode = 'sequential';
alter table lanes
    add column trouble text,
    add constraint lanes_trouble_check check (trouble in ('clock_wrong', 'address_missing'));
