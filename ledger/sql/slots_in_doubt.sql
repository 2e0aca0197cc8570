-- slots_in_doubt: authorized by another generation, or by this one too long ago.
-- takes: customer uuid, ip uuid, generation bigint, real_before timestamptz?
-- gives: message_id uuid
-- costs: an index range of the IP's authorized slots; at most 500 a time
select slots.message_id
from slots
where slots.customer_id = $1 and slots.ip_id = $2 and slots.state = 'authorized'
  and (slots.generation <> $3 or slots.authorized_real_at < $4)
order by slots.message_id
limit 500
