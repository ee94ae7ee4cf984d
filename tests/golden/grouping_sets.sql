-- arguments: --format csv
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT window_start, k, v, COUNT(*), COUNT(k), SUM(v), MAX(k), COUNT(DISTINCT k), LISTAGG(k),
  SUM(v) FILTER (WHERE v > 3), GROUPING(k), GROUPING(v), GROUPING_ID(v, k), GROUP_ID()
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, GROUPING SETS ((k, v), (k), (v), ());
