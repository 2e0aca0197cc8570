-- recipients_of_domain: the people there for whom something waits, held in order of their keys.
-- takes: customer uuid, domain_key text
-- gives: nothing
-- costs: an index range of the domain's open messages, a key look-up a person
select
from recipients
where recipients.customer_id = $1 and recipients.address_key in (
    select messages.recipient_key
    from messages
    where messages.customer_id = $1 and messages.domain_key = $2 and messages.ended_at is null)
order by recipients.address_key
for no key update
