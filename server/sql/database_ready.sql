-- database_ready: does it answer, and which migration is its last?
-- takes: nothing
-- gives: migration integer
-- costs: nothing
select coalesce(max(number), 0) as migration
from migrations
