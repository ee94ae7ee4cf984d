-- arguments: --format csv
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT window_start, k, CAST(ARRAY_AGG(v IGNORE NULLS) AS STRING), CAST(ARRAY_AGG(d) RESPECT NULLS AS STRING),
  PERCENTILE(v, 0.5), PERCENTILE(w, 0.25),
  PERCENTILE(d, 1), PERCENTILE(DISTINCT v, 0.5), PERCENTILE(w, 0.5, v)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, k;
