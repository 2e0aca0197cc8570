-- lanes_of_host: the IPs that the API gave to this host, and to whom they belong.
-- takes: host text
-- gives: customer_id uuid, ip_id uuid, address text, ptr text?
-- costs: a row an IP of the host
select ip_assignments.customer_id, ips.ip_id, host(ips.address), ips.ptr
from ips
join ip_assignments on ip_assignments.ip_id = ips.ip_id and upper_inf(ip_assignments.during)
where ips.host = $1 and ips.state = 'assigned'
order by ips.ip_id
