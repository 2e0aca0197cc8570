-- receiver_state_save: what a receiver told this IP, for the next start. What is older than what stands is left out: an
--   outcome may be written long after the next one.
-- takes: customer uuid, ip uuid, receiver text, connection_limit smallint, connections smallint, probing boolean,
--   failures_in_row integer, successes_in_row integer, doublings integer, hold_until timestamptz?, updated_at timestamptz
-- gives: nothing
-- costs: one upsert by key
insert into receiver_states (
    customer_id, ip_id, receiver, connection_limit, connections, probing, failures_in_row, successes_in_row, doublings,
    hold_until, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict on constraint receiver_states_pkey do update
set connection_limit = excluded.connection_limit, connections = excluded.connections, probing = excluded.probing,
    failures_in_row = excluded.failures_in_row, successes_in_row = excluded.successes_in_row,
    doublings = excluded.doublings, hold_until = excluded.hold_until, updated_at = excluded.updated_at
where receiver_states.updated_at <= excluded.updated_at
