-- mailboxes_addressed: rows that these addresses have already, closed ones too: the cap belongs to the address.
-- takes: customer uuid, address_keys text[]
-- gives: mailbox_id uuid, address_key text, closed boolean
-- costs: a key look-up an address
select mailboxes.mailbox_id, mailboxes.address_key, mailboxes.state = 'closed'
from mailboxes
where mailboxes.customer_id = $1 and mailboxes.address_key = any ($2)
for no key update
