-- work_release: this process does that kind of work no more.
-- takes: name text, holder uuid, now timestamptz
-- gives: nothing
-- costs: one key look-up
update works
set held_until = $3
where name = $1 and holder = $2
