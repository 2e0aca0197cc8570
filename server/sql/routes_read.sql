-- routes_read: where domains' mail goes, in order of the domain: one, or a page behind a domain
-- takes: domain text?, behind text, wanted bigint
-- gives: domain text, host text, port integer, tls text
-- costs: one key look-up, or one page of the primary key
select domain, host, port, tls
from routes
where ($1::text is null or domain = $1) and domain > $2
order by domain
limit $3
