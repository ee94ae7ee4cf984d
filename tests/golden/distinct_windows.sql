-- arguments: --format csv
CREATE TABLE trades (
  ts TIMESTAMP(3), k STRING, v INT, p DECIMAL(10, 2), id INT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT DISTINCT k, window_start, window_end FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND));
SELECT DISTINCT 'hop', window_end, v > 3, window_start
FROM TABLE(HOP(TABLE trades, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND));
SELECT DISTINCT window_start, window_end, n > 1 FROM (
  SELECT window_start, window_end, k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end, k);
SELECT window_start, window_end, COUNT(*) FROM (
  SELECT DISTINCT window_start, window_end, k FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND)))
GROUP BY window_start, window_end;
