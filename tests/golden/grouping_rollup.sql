-- arguments: --format csv
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT window_start, k, v, v > 3, COUNT(*), AVG(w), GROUPING_ID(k, v, v > 3)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, ROLLUP ((k, v), v > 3)
HAVING COUNT(*) > 1 OR GROUPING(k) = 0;
