-- assignment_end: until now it was this customer's.
-- takes: customer uuid, ip uuid, now timestamptz
-- gives: nothing
-- costs: one index probe
update ip_assignments
set during = tstzrange(lower(ip_assignments.during), greatest($3, lower(ip_assignments.during)))
where ip_assignments.customer_id = $1 and ip_assignments.ip_id = $2 and upper_inf(ip_assignments.during)
