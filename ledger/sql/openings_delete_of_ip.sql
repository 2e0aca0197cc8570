-- openings_delete_of_ip: waits for the bookings in flight.
-- takes: customer uuid, ip uuid
-- gives: nothing
-- costs: an index range of each mailbox's openings
delete from openings
using mailboxes
where openings.customer_id = $1 and mailboxes.customer_id = $1 and mailboxes.ip_id = $2
  and openings.mailbox_id = mailboxes.mailbox_id
