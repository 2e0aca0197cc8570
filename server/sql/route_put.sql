-- route_put: a domain's mail goes there from now on
-- takes: domain text, host text, port integer, tls text, now timestamptz
-- gives: nothing
-- costs: one key look-up
insert into routes (domain, host, port, tls, updated_at)
values ($1, $2, $3, $4, $5)
on conflict on constraint routes_pkey do update
set host = excluded.host, port = excluded.port, tls = excluded.tls, updated_at = excluded.updated_at
