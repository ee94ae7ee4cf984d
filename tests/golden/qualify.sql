-- arguments: --format csv
CREATE TABLE trades (
  ts TIMESTAMP(3), k STRING, v INT, p DECIMAL(10, 2), id INT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT k, v, id, window_end FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND))
QUALIFY ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v DESC, id) <= 2;
SELECT k, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v DESC, id) AS rn, window_end
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND)) WHERE id > 10 QUALIFY rn = 1;
SELECT k, id, ROW_NUMBER() OVER w AS rn FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '30' SECOND))
WINDOW w AS (PARTITION BY window_start, window_end, k ORDER BY id)
QUALIFY ROW_NUMBER() OVER w < 3;
