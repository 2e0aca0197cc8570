-- audit_insert: a key changed something of a customer's.
-- takes: customer uuid, audit uuid, now timestamptz, operation text, activity smallint, by_operator boolean, key uuid,
--     source text?, user_agent text?, request_id text, traceparent text?, resources jsonb, changes jsonb
-- gives: nothing
-- costs: one insert
insert into audits (
    customer_id, audit_id, at, operation, activity, by_operator, key_id, source, user_agent, request_id, traceparent,
    resources, changes)
values ($1, $2, $3, $4, $5, $6, $7, $8::text::inet, $9, $10, $11, $12, $13)
