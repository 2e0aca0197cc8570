-- ip_insert: a new dedicated address
-- takes: ip uuid, address text, host text, ptr text?, now timestamptz
-- gives: nothing
-- costs: one row
insert into ips (ip_id, address, host, ptr, created_at)
values ($1, $2::inet, $3, $4, $5)
