-- arguments: --format csv
-- own: Flink 2.3 is wrong with QUALIFY behind GROUP BY and with other columns; this is what it answers to subqueries
CREATE TABLE trades (
  ts TIMESTAMP(3), k STRING, v INT, p DECIMAL(10, 2), id INT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT window_start, window_end, k, SUM(v) AS s
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end, k HAVING COUNT(*) > 1
QUALIFY ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY SUM(v) DESC NULLS LAST, k) <= 1;
SELECT k, id, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY id) AS rn
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '30' SECOND)) QUALIFY rn < 3 AND k IS NOT NULL;
