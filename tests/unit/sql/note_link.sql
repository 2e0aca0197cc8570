-- note_link: tie a note to another, which must be there at the commit
-- takes: note bigint, other bigint
-- gives: nothing
-- costs: one row
insert into links (note, other)
values ($1, $2)
