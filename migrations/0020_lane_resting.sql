-- Until when a receiver may still count a connection that the lane's owner has given up: a permit rests that long, and if
-- the owner dies meanwhile, the next one waits that long too (P4). Real time, like the heartbeat that writes it.

set local citus.multi_shard_modify_mode = 'sequential';
alter table lanes add column resting_until timestamptz;
