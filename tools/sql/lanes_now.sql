-- lanes_now: every lane and its process, for `status` and `top`. seen_at is real time.
-- psql variables: real_now, now
select json_agg(row_to_json(lane) order by lane.ip)
from (
    select
        host(ips.address) as ip, customers.name as customer, lanes.pid, lanes.host, lanes.generation, lanes.halted,
        lanes.ended_at is null and coalesce(lanes.seen_at > :'real_now'::timestamptz - interval '15 seconds', false) as alive,
        (select count(*) from slots
         where slots.customer_id = lanes.customer_id and slots.ip_id = lanes.ip_id and slots.state = 'booked') as booked,
        (select count(*) from slots
         where slots.customer_id = lanes.customer_id and slots.ip_id = lanes.ip_id and slots.state = 'authorized') as sending,
        (select count(*) from slots
         where slots.customer_id = lanes.customer_id and slots.ip_id = lanes.ip_id and slots.state = 'spent'
           and slots.authorized_at > :'now'::timestamptz - interval '24 hours') as sent,
        (select to_char(min(due_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') from slots
         where slots.customer_id = lanes.customer_id and slots.ip_id = lanes.ip_id and slots.state = 'booked') as next_at,
        (select coalesce(json_agg(json_build_object(
             'receiver', receiver, 'limit', connection_limit, 'connections', connections, 'failures', failures_in_row,
             'hold_until', case when hold_until > :'now'::timestamptz then
                 to_char(hold_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') end) order by receiver), '[]')
         from receiver_states
         where receiver_states.customer_id = lanes.customer_id and receiver_states.ip_id = lanes.ip_id) as receivers
    from lanes
    join ips on ips.ip_id = lanes.ip_id
    join customers on customers.customer_id = lanes.customer_id
    where lanes.released_at is null
) as lane;
