CREATE TABLE nested (
  ts TIMESTAMP(3), id INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>, n ARRAY<ARRAY<INT>>,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/lists.jsonl', 'format' = 'json');
SELECT id, a[1] AS first, m['k'] AS k, r[1].y AS y, CARDINALITY(n) AS lists, ARRAY_SORT(a, FALSE) AS sorted,
  CASE WHEN id < 3 THEN a WHEN id < 5 THEN ARRAY[id, 0] END AS chosen, COALESCE(n[1], ARRAY[-1]) AS list,
  MAP['id', id, 'a', a[2]] AS named, (id, a) AS both_of
FROM nested;
