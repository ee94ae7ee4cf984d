-- arguments: --format csv
CREATE TABLE trades (
  ts TIMESTAMP(3), k STRING, v INT, p DECIMAL(10, 2), id INT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT * FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY s DESC NULLS LAST, k) AS rn FROM (
    SELECT window_start, window_end, k, SUM(v) AS s, COUNT(*) AS n
    FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k))
WHERE rn <= 2;
-- In the aggregating query itself, and aggregated once more.
SELECT window_start, SUM(s), MAX(rn), COUNT(*) FROM (
  SELECT window_start, window_end, k, SUM(v) AS s,
    ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY SUM(v) DESC, k) AS rn
  FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k)
WHERE rn <= 2 GROUP BY window_start, window_end;
-- A longer window over the time of what is left.
SELECT window_start, window_end, COUNT(*), SUM(v) FROM TABLE(TUMBLE((
  SELECT window_time, v FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY v DESC, id) AS rn
    FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND))) WHERE rn = 1),
  DESCRIPTOR(window_time), INTERVAL '30' SECOND))
GROUP BY window_start, window_end;
