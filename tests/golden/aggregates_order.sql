-- arguments: --format csv
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT window_start, k, FIRST_VALUE(v), LAST_VALUE(v), FIRST_VALUE(d), LAST_VALUE(ts), LAST_VALUE(DISTINCT v),
  LISTAGG(CAST(v AS STRING)), LISTAGG(CAST(w AS STRING), ' + '), LISTAGG(CAST(v AS STRING), '') FILTER (WHERE v > 3),
  CAST(ARRAY_AGG(v) AS STRING), CAST(ARRAY_AGG(v) FILTER (WHERE v > 3) AS STRING)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, k;
