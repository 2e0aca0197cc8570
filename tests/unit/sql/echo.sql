-- echo: each type there and back
-- takes: a uuid?, b text?, c jsonb?, d bytea?, e bigint?, f integer?, g smallint?, h boolean?, i double precision?,
--        j timestamptz?, k date?
-- gives: a uuid?, b text?, c jsonb?, d bytea?, e bigint?, f integer?, g smallint?, h boolean?, i double precision?,
--        j timestamptz?, k date?
-- costs: nothing
select $1 as a, $2 as b, $3 as c, $4 as d, $5 as e, $6 as f, $7 as g, $8 as h, $9 as i, $10 as j, $11 as k
