-- slot_why: what stood against an authorization? No row: there is no such slot any more.
-- takes: customer uuid, ip uuid, generation bigint, message uuid, now timestamptz
-- gives: owned boolean, halted boolean, booked boolean, early boolean, over boolean, mailbox_ready boolean,
--   suppressed boolean
-- costs: six key look-ups
select coalesce(lanes.generation = $3, false), coalesce(lanes.halted <> '{}', true), slots.state = 'booked',
    $5 < slots.at, slots.not_after <= $5, mailboxes.state = 'active' and slots.number < mailboxes.daily_cap,
    exists (
        select from suppressions
        where suppressions.customer_id = $1 and suppressions.address_key in (slots.recipient_key, slots.domain_key))
from slots
join mailboxes on mailboxes.customer_id = $1 and mailboxes.mailbox_id = slots.mailbox_id
left join lanes on lanes.customer_id = $1 and lanes.ip_id = $2
where slots.customer_id = $1 and slots.message_id = $4 and slots.state <> 'spent'
