-- ips_read: addresses with whose they are and their lane, newest first: one, or a page of a customer's, or of all
-- takes: customer uuid?, ip uuid?, states text[]?, before uuid, wanted bigint
-- gives: ip_id uuid, address text, host text, ptr text?, state text, available_at timestamptz?, paused boolean,
--     created_at timestamptz, customer_id uuid?, pool_id uuid?, generation bigint?, since timestamptz?,
--     seen_at timestamptz?, ended_at timestamptz?
-- costs: one key look-up, or one page of the primary key with a look-up in lanes each
select ips.ip_id, host(ips.address) as address, ips.host, ips.ptr, ips.state, ips.available_at, ips.paused, ips.created_at,
    lanes.customer_id, lanes.pool_id, lanes.generation, lanes.since, lanes.seen_at, lanes.ended_at
from ips
left join lanes on lanes.ip_id = ips.ip_id and lanes.released_at is null
where ($1::uuid is null or lanes.customer_id = $1)
  and ($2::uuid is null or ips.ip_id = $2)
  and ($3::text[] is null or ips.state = any ($3))
  and ips.ip_id < $4
order by ips.ip_id desc
limit $5
