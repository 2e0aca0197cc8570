-- openings_passed: customers with openings that nobody took in time.
-- takes: now timestamptz, most bigint
-- gives: customer_id uuid
-- costs: an index range of $2 rows
select distinct customer_id
from (
    select customer_id
    from openings
    where at <= $1
    order by at
    limit $2) as passed
