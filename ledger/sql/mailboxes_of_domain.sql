-- mailboxes_of_domain: the mailboxes in which something waits for anybody there, held in order of id.
-- takes: customer uuid, domain_key text
-- gives: nothing
-- costs: an index range of the domain's open messages, a key look-up a mailbox
select
from mailboxes
where mailboxes.customer_id = $1 and mailboxes.mailbox_id in (
    select messages.mailbox_id
    from messages
    where messages.customer_id = $1 and messages.domain_key = $2 and messages.ended_at is null)
order by mailboxes.mailbox_id
for no key update
