-- customers_live: how many customers are live: while there is one, the clock stays the real one.
select count(*)
from customers
where mode = 'live' and state <> 'closed';
