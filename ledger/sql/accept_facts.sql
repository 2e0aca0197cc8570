-- accept_facts: what may stand against a message, and the thread it belongs to. No row: no such customer.
-- takes: customer uuid, mailbox uuid?, parent uuid?
-- gives: live boolean, customer_state text, identity_given boolean, gap_days integer, parent uuid?, thread uuid?,
--   parent_recipient text?, parent_at timestamptz?, parent_open boolean, thread_begun boolean, mailbox uuid?,
--   mailbox_state text?, address text?, display_name text?, domain_ready boolean, ip uuid?
-- costs: six key look-ups; four more with a parent
select customers.mode = 'live', customers.state, coalesce(customers.legal_name <> '' and customers.postal_address <> '', false),
    customers.recipient_gap_days, parents.message_id, parents.thread_id, parents.recipient_key, slots.at,
    parents.message_id is not null and parents.ended_at is null,
    exists (
        select from slots seen
        where seen.customer_id = $1 and seen.message_id in (parents.message_id, parents.thread_id)
          and seen.state <> 'booked')
    or exists (
        select from recipients
        join messages first_ones on first_ones.customer_id = $1 and first_ones.message_id = recipients.first_message_id
        where recipients.customer_id = $1 and recipients.address_key = parents.recipient_key
          and first_ones.thread_id = parents.thread_id),
    mailboxes.mailbox_id, mailboxes.state,
    mailboxes.address, mailboxes.display_name, coalesce(domains.state = 'ready', false), mailboxes.ip_id
from customers
left join messages parents on parents.customer_id = $1 and parents.message_id = $3
left join slots on slots.customer_id = $1 and slots.message_id = parents.message_id and slots.state <> 'spent'
left join lateral (
    select mailbox_id, domain_id, ip_id, state, address, display_name
    from mailboxes m
    where m.customer_id = $1 and m.mailbox_id = case when parents.mailbox_id is null then $2 else parents.mailbox_id end
    limit 1                                            -- by its key, however many the customer has
) mailboxes on true
left join domains on domains.customer_id = $1 and domains.domain_id = mailboxes.domain_id
where customers.customer_id = $1
