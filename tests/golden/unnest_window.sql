CREATE TABLE nested (
  ts TIMESTAMP(3), id INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>, n ARRAY<ARRAY<INT>>,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/lists.jsonl', 'format' = 'json');
CREATE VIEW elements AS SELECT ts, id, x FROM nested CROSS JOIN UNNEST(a) AS t (x);
SELECT window_start, x, COUNT(*) AS times, SUM(id) AS ids
FROM TABLE(TUMBLE(TABLE elements, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, x;
