-- ordinals_given: how many ordinals an IP has given by now.
-- takes: customer uuid, ip uuid, given bigint
-- gives: nothing
-- costs: one upsert by key
insert into ip_ordinals as o (customer_id, ip_id, given)
values ($1, $2, $3)
on conflict on constraint ip_ordinals_pkey do update
set given = greatest(o.given, excluded.given)
