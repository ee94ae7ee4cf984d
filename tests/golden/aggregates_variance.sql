-- arguments: --format csv
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT window_start, k, VAR_POP(v), VAR_SAMP(v), VARIANCE(DISTINCT v), STDDEV_POP(v), STDDEV_SAMP(v),
  VAR_POP(w), STDDEV_SAMP(w), VAR_POP(d), VAR_SAMP(d), STDDEV_POP(d) FILTER (WHERE v > 3)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, k;
