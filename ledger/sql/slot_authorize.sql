-- slot_authorize: may this final dot be sent? No row: it is not ours, not now, or not wanted any more.
-- takes: customer uuid, ip uuid, generation bigint, message uuid, now timestamptz, real timestamptz,
--   local_day date, number smallint
-- gives: message_id uuid
-- costs: eight key look-ups, two updates by key
with owner as materialized (
    select lanes.customer_id, lanes.ip_id
    from lanes
    where lanes.customer_id = $1 and lanes.ip_id = $2 and lanes.generation = $3 and lanes.halted = '{}'
    for share                                          -- a new owner, or a pause, waits for us, or we see it
),
mailbox as materialized (
    select mailboxes.mailbox_id, mailboxes.daily_cap
    from mailboxes
    join messages on messages.customer_id = $1 and messages.message_id = $4
        and messages.mailbox_id = mailboxes.mailbox_id
    where mailboxes.customer_id = $1 and mailboxes.state = 'active' and exists (select from owner)
    for share of mailboxes                             -- a lower cap waits for us, or we see it
),
wanted as materialized (
    select messages.message_id, mailbox.mailbox_id, mailbox.daily_cap
    from messages
    join mailbox on mailbox.mailbox_id = messages.mailbox_id
    where messages.customer_id = $1 and messages.message_id = $4 and messages.state = 'booked'
    for no key update of messages                      -- whoever moves a message holds its row first
),
slot as (
    update slots
    set state = 'authorized', generation = $3, authorized_at = $5, authorized_real_at = $6
    from wanted
    where slots.customer_id = $1 and slots.ip_id = $2 and slots.mailbox_id = wanted.mailbox_id
      and slots.local_day = $7 and slots.number = $8   -- the one that its outcome will spend, and no other
      and slots.message_id = wanted.message_id and slots.message_id = $4 and slots.state = 'booked'
      and slots.at <= $5 and $5 < slots.not_after and slots.number < wanted.daily_cap
      and not exists (
          select from suppressions
          where suppressions.customer_id = $1
            and suppressions.address_key in (slots.recipient_key, slots.domain_key))
    returning slots.message_id
)
update messages
set state = 'sending', explanation_code = 'sending', explanation_until = null, explanation_about = null
from slot
where messages.customer_id = $1 and messages.message_id = $4 and messages.message_id = slot.message_id
returning messages.message_id
