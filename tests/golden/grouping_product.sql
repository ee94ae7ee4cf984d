-- arguments: --format csv
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT window_start, k, v, COUNT(*)
FROM (SELECT window_start, window_end, k, v, COUNT(*) AS n
      FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end, k, v)
GROUP BY window_start, ROLLUP (k), window_end, CUBE (v);
SELECT k, COUNT(*), GROUPING(window_start)
FROM TABLE(CUMULATE(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND))
GROUP BY GROUPING SETS ((window_start, window_end, k), (window_end, window_start));
