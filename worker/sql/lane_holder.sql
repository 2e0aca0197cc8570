-- lane_holder: who says that it owns this IP, when it was last seen and last began; asked before the generation is raised, and after.
-- takes: customer uuid, ip uuid
-- gives: generation bigint, host text?, place text?, pid integer?, since timestamptz?, seen_at timestamptz?, ended boolean, mode text, last_begin timestamptz?
-- costs: two key look-ups and the newest authorized slot of the IP
select lanes.generation, lanes.host, lanes.place, lanes.pid, lanes.since, lanes.seen_at, lanes.ended_at is not null,
       customers.mode,
       (select max(slots.authorized_at)
        from slots
        where slots.customer_id = $1 and slots.ip_id = $2 and slots.state <> 'booked')
from lanes
join customers on customers.customer_id = lanes.customer_id
where lanes.customer_id = $1 and lanes.ip_id = $2 and lanes.released_at is null
