-- lanes_of_addresses: the same for addresses that were given by --ip, whatever host the API names.
-- takes: addresses text[]
-- gives: customer_id uuid, ip_id uuid, address text, ptr text?
-- costs: a key look-up an address
select ip_assignments.customer_id, ips.ip_id, host(ips.address), ips.ptr
from unnest($1) as given (address)
join ips on ips.address = given.address::inet
join ip_assignments on ip_assignments.ip_id = ips.ip_id and upper_inf(ip_assignments.during)
where ips.state = 'assigned'
order by ips.ip_id
