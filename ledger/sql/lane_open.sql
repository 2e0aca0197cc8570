-- lane_open: the lane of an assigned IP, halted by what holds already; one that was released before goes on with its
-- generation.
-- takes: customer uuid, ip uuid, pool uuid, halted text[], now timestamptz
-- gives: nothing
-- costs: one upsert by key
insert into lanes (customer_id, ip_id, pool_id, halted, assigned_at)
values ($1, $2, $3, $4, $5)
on conflict on constraint lanes_pkey do update
set pool_id = excluded.pool_id, halted = excluded.halted, assigned_at = excluded.assigned_at, released_at = null
