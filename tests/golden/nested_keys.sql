CREATE TABLE lists (
  ts TIMESTAMP(3), id INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>, p ROW<x INT, y STRING>,
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/groups.jsonl', 'format' = 'json');
SELECT window_start, a, p, CARDINALITY(a) AS n, COUNT(a) AS counted, SUM(id) AS ids, MAX(p.y) AS y
FROM TABLE(TUMBLE(TABLE lists, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, a, p;
