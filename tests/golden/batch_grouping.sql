-- arguments: --format csv
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT k, v, COUNT(*), SUM(v), GROUPING_ID(k, v), COUNT(DISTINCT k) FROM events GROUP BY CUBE (k, v);
SELECT k, STDDEV_POP(v), PERCENTILE(w, 0.5) FROM events GROUP BY ROLLUP (k) HAVING GROUPING(k) = 0 OR COUNT(*) > 5;
