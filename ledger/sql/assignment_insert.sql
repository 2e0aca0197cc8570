-- assignment_insert: from now on it is this customer's, and by a constraint nobody else's (P3).
-- takes: assignment uuid, customer uuid, ip uuid, now timestamptz
-- gives: nothing
-- costs: one key look-up, one insert
insert into ip_assignments (assignment_id, customer_id, ip_id, address, during)
values ($1, $2, $3, (select ips.address from ips where ips.ip_id = $3), tstzrange($4, null))
