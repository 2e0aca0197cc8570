-- mailbox_lock: nobody else changes this mailbox until the transaction ends
-- takes: customer uuid, mailbox uuid
-- gives: mailbox_id uuid
-- costs: one key look-up
select mailbox_id
from mailboxes
where customer_id = $1 and mailbox_id = $2
for no key update
