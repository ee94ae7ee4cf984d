-- arguments: --format csv
CREATE TABLE trades (
  ts TIMESTAMP(3), k STRING, v INT, p DECIMAL(10, 2), id INT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
-- The order decides between all rows (id): who came first does not matter.
SELECT ts, k, v, id, window_start, window_time, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v DESC, id) AS rn
  FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND)))
WHERE rn <= 3;
SELECT 'without number', k, id FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY p NULLS LAST, id DESC) AS rn
  FROM TABLE(HOP(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '20' SECOND)))
WHERE rn < 2;
SELECT 'range', k, v, id, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v, id) AS rn
  FROM TABLE(CUMULATE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND)))
WHERE rn BETWEEN 2 AND 4 AND v > 1 AND window_start > TIMESTAMP '2026-05-01 00:00:15';
SELECT 'twice', k, id, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, k, window_end, k, window_start ORDER BY v DESC, id) AS rn
  FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND)))
WHERE rn <= 1;
SELECT 'one', id FROM (
  SELECT id, ROW_NUMBER() OVER (PARTITION BY window_end, window_start ORDER BY k, p, id) AS n
  FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND)))
WHERE 2 = n;
