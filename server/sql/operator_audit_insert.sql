-- operator_audit_insert: an operator's key changed something that is no customer's.
-- takes: audit uuid, now timestamptz, operation text, activity smallint, key uuid, source text?, user_agent text?,
--     request_id text, traceparent text?, resources jsonb, changes jsonb
-- gives: nothing
-- costs: one insert
insert into operator_audits (
    audit_id, at, operation, activity, key_id, source, user_agent, request_id, traceparent, resources, changes)
values ($1, $2, $3, $4, $5, $6::text::inet, $7, $8, $9, $10, $11)
