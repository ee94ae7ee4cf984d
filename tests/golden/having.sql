-- arguments: --format csv
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT k, COUNT(*) AS n, SUM(v) * 2 + COUNT(*) AS x
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
WHERE v IS NOT NULL
GROUP BY window_start, window_end, k
HAVING COUNT(*) > 1 AND window_start < TIMESTAMP '2026-05-01 00:00:20';
