-- own: plans are each one's own
-- once
-- ordered
-- Conditions on the input go below the UNNEST, columns that nobody reads are not decoded.
CREATE TABLE nested (id INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/lists.jsonl', 'format' = 'json');
EXPLAIN SELECT x FROM nested CROSS JOIN UNNEST(r) WITH ORDINALITY AS t (x, y, o) WHERE y = 'one' AND id > 0 AND id + x > 2;
EXPLAIN SELECT id, x, o FROM nested LEFT JOIN UNNEST(ARRAY_SORT(a)) WITH ORDINALITY AS t (x, o) ON TRUE WHERE id > 0;
