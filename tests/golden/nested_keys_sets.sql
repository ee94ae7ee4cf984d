CREATE TABLE lists (
  ts TIMESTAMP(3), id INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>, p ROW<x INT, y STRING>,
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/groups.jsonl', 'format' = 'json');
SELECT SUM(id) AS ids, r, id / 4 AS q FROM TABLE(TUMBLE(TABLE lists, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, GROUPING SETS ((r), (id / 4));
