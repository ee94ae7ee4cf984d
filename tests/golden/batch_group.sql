-- arguments: --format csv
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE VIEW nothing AS SELECT * FROM events WHERE v > 1000000;
SELECT k, COUNT(*), COUNT(v), SUM(v), MIN(w), MAX(d), AVG(v) FROM events GROUP BY k;
SELECT COUNT(*), SUM(d), MIN(k), MAX(ts) FROM events;
SELECT COUNT(*), COUNT(k), SUM(v), AVG(w), MIN(d) FROM nothing;
SELECT k, COUNT(*) FROM nothing GROUP BY k;
SELECT COUNT(DISTINCT k), SUM(DISTINCT v), COUNT(*) FILTER (WHERE v > 3) FROM events;
SELECT COUNT(DISTINCT k), SUM(v) FROM nothing;
SELECT v, k, MIN(w) FROM events GROUP BY v, k HAVING COUNT(*) > 1;
SELECT v + 1, COUNT(*) FROM events WHERE k IS NOT NULL GROUP BY v + 1;
SELECT 1 FROM events HAVING COUNT(*) > 1;
SELECT 1 FROM nothing HAVING COUNT(*) > 1;
SELECT COUNT(*), MAX(n) FROM (SELECT k, COUNT(*) AS n FROM events GROUP BY k);
SELECT x, COUNT(*) FROM (SELECT k AS x FROM events UNION ALL SELECT 'a' UNION ALL VALUES ('z')) GROUP BY x;
