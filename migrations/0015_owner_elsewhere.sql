-- An owner on another host that did not end may be counted by receivers for ten minutes, and nobody here can see its
-- sockets: only time helps. The moment stands in the lane, so that a new owner which is itself restarted, and then finds its
-- own host in the row, still waits for it.

set local citus.multi_shard_modify_mode = 'sequential';
alter table lanes add column elsewhere_until timestamptz;  -- real time, like since and seen_at
