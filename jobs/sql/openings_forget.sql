-- openings_forget: deletes a customer's openings that nobody took in time; leaves alone those that somebody holds.
-- takes: customer uuid, now timestamptz, most bigint
-- gives: nothing
-- costs: $3 rows of an index
with passed as materialized (
    select mailbox_id, local_day, number
    from openings
    where customer_id = $1 and at <= $2
    order by at
    limit $3
    for update skip locked
)
delete from openings
using passed
where openings.customer_id = $1
  and (openings.mailbox_id, openings.local_day, openings.number) = (passed.mailbox_id, passed.local_day, passed.number)
