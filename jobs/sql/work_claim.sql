-- work_claim: may this process do that kind of work now? No row: another one does.
-- takes: name text, holder uuid, now timestamptz, held_until timestamptz
-- gives: name text
-- costs: one key look-up
insert into works (name, holder, held_until)
values ($1, $2, $4)
on conflict (name) do update
set holder = excluded.holder, held_until = excluded.held_until
where works.holder = excluded.holder or works.held_until <= $3
   or works.held_until > $4 + interval '1 minute'      -- by a clock that was ahead of ours and went back
returning name
