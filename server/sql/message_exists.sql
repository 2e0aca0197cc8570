-- message_exists: was it kept? For a commit whose answer was lost. The lock makes ours a commit that waits for the standby
-- takes: customer uuid, message uuid
-- gives: message_id uuid
-- costs: one key look-up
select message_id
from messages
where customer_id = $1 and message_id = $2
for key share
