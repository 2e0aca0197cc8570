-- route_delete: a domain's mail does not go by a route of its own any more
-- takes: domain text
-- gives: nothing
-- costs: one key look-up
delete from routes
where domain = $1
