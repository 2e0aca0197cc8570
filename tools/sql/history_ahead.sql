-- history_ahead: partitions of events, attempts and audits for the months to come.
-- psql variables: now, months
select history_ahead(:'now'::timestamptz, :'months'::integer);
