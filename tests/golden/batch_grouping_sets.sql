-- arguments: --format csv
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT k, v, COUNT(*), SUM(d), GROUPING_ID(k, v) FROM events GROUP BY ROLLUP (k, v);
SELECT k, v, COUNT(*), AVG(w) FROM events GROUP BY GROUPING SETS ((k), (v), (k, v), ());
SELECT k, COUNT(DISTINCT v), GROUPING(k) FROM events GROUP BY CUBE (k) HAVING COUNT(*) > 1;
SELECT k, COUNT(*) FROM events WHERE v > 1000000 GROUP BY ROLLUP (k);
SELECT COUNT(*), SUM(v) FROM events GROUP BY GROUPING SETS (());
SELECT COUNT(*), SUM(v) FROM events WHERE v > 1000000 GROUP BY ();
