-- note_list: the notes that row-level security shows, in order
-- takes: nothing
-- gives: note bigint, words text
-- costs: the customer's notes
select note, words
from notes
order by note
