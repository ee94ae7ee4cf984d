-- arguments: --format csv
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
WITH big AS (SELECT ts, k, v FROM events WHERE v IS NOT NULL)
SELECT k, window_end, COUNT(*), MAX(v) - MIN(v)
FROM (SELECT * FROM TABLE(TUMBLE(TABLE big, DESCRIPTOR(ts), INTERVAL '10' SECOND)) WHERE v > 1) AS s
GROUP BY window_start, window_end, k;
