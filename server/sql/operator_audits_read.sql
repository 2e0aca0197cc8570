-- operator_audits_read: what operators changed that is no customer's, newest first
-- takes: before uuid, wanted bigint
-- gives: audit_id uuid, at timestamptz, operation text, activity smallint, key_id uuid, source text?, user_agent text?,
--     request_id text, traceparent text?, resources jsonb, changes jsonb
-- costs: one page of the primary key
select audit_id, at, operation, activity, key_id, host(source) as source, user_agent, request_id, traceparent, resources,
    changes
from operator_audits
where audit_id < $1
order by audit_id desc
limit $2
