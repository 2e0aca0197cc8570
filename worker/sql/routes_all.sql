-- routes_all: where mail goes, as the operators say.
-- takes: most bigint
-- gives: domain text, host text, port integer
-- costs: a row a route
select domain, host, port
from routes
order by domain
limit $1
