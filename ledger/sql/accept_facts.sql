-- accept_facts: what may stand against a message, and the thread it belongs to. No row: no such customer.
-- takes: customer uuid, mailbox uuid?, parent uuid?
-- gives: live boolean, customer_state text, identity_given boolean, gap_days integer, parent uuid?, thread uuid?,
--   parent_at timestamptz?, parent_open boolean, mailbox uuid?, mailbox_state text?, address text?, domain_ready boolean,
--   ip uuid?
-- costs: six key look-ups
select customers.mode = 'live', customers.state, coalesce(customers.legal_name <> '' and customers.postal_address <> '', false),
    customers.recipient_gap_days, parents.message_id, parents.thread_id, slots.at,
    parents.message_id is not null and parents.ended_at is null, mailboxes.mailbox_id, mailboxes.state,
    mailboxes.address, coalesce(domains.state = 'ready', false), mailboxes.ip_id
from customers
left join messages parents on parents.customer_id = $1 and parents.message_id = $3
left join slots on slots.customer_id = $1 and slots.message_id = parents.message_id and slots.state <> 'spent'
left join lateral (
    select mailbox_id, domain_id, ip_id, state, address
    from mailboxes m
    where m.customer_id = $1 and m.mailbox_id = case when parents.mailbox_id is null then $2 else parents.mailbox_id end
    limit 1                                            -- by its key, however many the customer has
) mailboxes on true
left join domains on domains.customer_id = $1 and domains.domain_id = mailboxes.domain_id
where customers.customer_id = $1
