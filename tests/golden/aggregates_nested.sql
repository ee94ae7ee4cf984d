-- arguments: --format csv
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT window_start, CAST(ARRAY_AGG(ARRAY[v, 1]) AS STRING), CAST(FIRST_VALUE(ROW(k, v)) AS STRING),
  CAST(LAST_VALUE(MAP['v', v]) AS STRING), CAST(COLLECT(v) AS STRING), CAST(COLLECT(DISTINCT v) AS STRING),
  COUNT(DISTINCT ARRAY[k]), CAST(PERCENTILE(v, ARRAY[0, 0.5, 1]) AS STRING), ARRAY_AGG(w)[2]
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
