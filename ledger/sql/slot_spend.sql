-- slot_spend: a slot that was authorized, or may have been, is spent for ever.
-- takes: customer uuid, mailbox uuid, local_day date, number smallint, message uuid, now timestamptz, real timestamptz
-- gives: nothing
-- costs: one key look-up
update slots
set state = 'spent', spent_at = $6, generation = coalesce(slots.generation, 0),
    authorized_at = coalesce(slots.authorized_at, $6), authorized_real_at = coalesce(slots.authorized_real_at, $7)
where slots.customer_id = $1 and slots.mailbox_id = $2 and slots.local_day = $3 and slots.number = $4
  and slots.message_id = $5 and slots.state <> 'spent'
