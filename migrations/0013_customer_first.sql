-- Indexes on the booking path begin with the customer, and say what they hold in words that row-level security lets the
-- planner use: it evaluates no coalesce() before the customer is known, and it took an index on `at` alone for a booking,
-- past every other customer's openings.

drop index openings_passed;
drop index mailboxes_bookable;
create index mailboxes_bookable on mailboxes (customer_id, laid_until nulls first) where state = 'active' and ip_id is not null;
