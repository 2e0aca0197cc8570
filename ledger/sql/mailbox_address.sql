-- mailbox_address: the address of a mailbox that was not named beforehand.
-- takes: customer uuid, mailbox uuid
-- gives: address text
-- costs: one key look-up
select mailboxes.address
from mailboxes
where mailboxes.customer_id = $1 and mailboxes.mailbox_id = $2
