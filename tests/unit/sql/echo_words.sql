-- echo_words: a time and a day as the server writes them
-- takes: at timestamptz, day date
-- gives: at text, day text
-- costs: nothing
select $1::text as at, $2::text as day
