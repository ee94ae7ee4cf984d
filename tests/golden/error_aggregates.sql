-- arguments: --format csv
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT VAR_POP(k), LISTAGG(v), LISTAGG(k, k), FIRST_VALUE(v) IGNORE NULLS, LISTAGG(k) WITHIN GROUP (ORDER BY v),
  COUNT(v, w), PERCENTILE(v, 1.5), PERCENTILE(v), ARRAY_AGG(DISTINCT ROW(v, w)), MIN(ROW(v, w)), FIRST_VALUE(NULL)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, k;
