-- A map is the same with its entries in another order.
CREATE TABLE lists (
  ts TIMESTAMP(3), id INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>, p ROW<x INT, y STRING>,
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/groups.jsonl', 'format' = 'json');
SELECT CARDINALITY(m) AS n, m['k'] AS k, COUNT(*) AS times FROM TABLE(TUMBLE(TABLE lists, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, m;
