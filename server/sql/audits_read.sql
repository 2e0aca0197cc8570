-- audits_read: who changed what, newest first: a page of a customer's, or of all that the role may see
-- takes: customer uuid?, before uuid, wanted bigint
-- gives: customer_id uuid, audit_id uuid, at timestamptz, operation text, activity smallint, by_operator boolean,
--     key_id uuid, source text?, user_agent text?, request_id text, traceparent text?, resources jsonb, changes jsonb
-- costs: one page of the primary key, or of the index by id
select customer_id, audit_id, at, operation, activity, by_operator, key_id, host(source) as source, user_agent, request_id,
    traceparent, resources, changes
from audits
where ($1::uuid is null or customer_id = $1) and audit_id < $2
order by audit_id desc
limit $3
