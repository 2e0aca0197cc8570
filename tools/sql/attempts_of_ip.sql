-- attempts_of_ip: the conversations of one IP after a given one, oldest first; without one, the last twenty.
-- psql variables: ip, after (an attempt's UUID, or empty)
select coalesce(json_agg(row_to_json(attempt) order by attempt.attempt_id), '[]')
from (
    select attempt_id, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at, receiver, remote, stage, outcome,
        duration_ms, transcript
    from attempts
    where ip = :'ip'::inet and (:'after' = '' or attempt_id > nullif(:'after', '')::uuid)
    order by attempt_id desc
    limit 20
) as attempt;
