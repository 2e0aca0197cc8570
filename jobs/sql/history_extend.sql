-- history_extend: makes the months of events, attempts and audits from this one to so many ahead.
-- takes: now timestamptz, months integer
-- gives: made integer
-- costs: nothing while they are there; else a lock on the default partition
select history_ahead($1, $2)
