-- arguments: --format csv
-- ordered
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT k, v, ts FROM events ORDER BY k, v DESC, ts;
SELECT v, ts FROM events ORDER BY v DESC, ts;
SELECT v, ts FROM events ORDER BY v DESC NULLS FIRST, ts DESC LIMIT 3;
SELECT v, ts FROM events ORDER BY v NULLS LAST, 2 LIMIT 4 OFFSET 4;
SELECT v, ts FROM events ORDER BY 2 DESC OFFSET 6 ROWS FETCH NEXT 2 ROWS ONLY;
SELECT -v AS v, d FROM events WHERE v IS NOT NULL ORDER BY v, d;
SELECT d, v + 1 AS n FROM events ORDER BY n + 1, events.w, d;
SELECT ts AS t FROM events ORDER BY w DESC, d, t;
SELECT k, COUNT(*) AS n FROM events GROUP BY k ORDER BY n DESC, MIN(ts);
SELECT k, MAX(w) FROM events GROUP BY k HAVING COUNT(*) > 1 ORDER BY COUNT(*), k LIMIT 2;
SELECT DISTINCT k, 1 AS n FROM events ORDER BY k DESC;
SELECT k, v FROM events WHERE v > 2 UNION ALL SELECT 'z', 0 ORDER BY v, k;
SELECT 'x', k FROM events UNION SELECT 'x', 'q' ORDER BY 2;
VALUES (3, 'a'), (1, 'b'), (2, 'c') ORDER BY 1 DESC;
SELECT COUNT(*) FROM (SELECT * FROM events LIMIT 4);
SELECT COUNT(*) FROM (SELECT * FROM events OFFSET 4);
SELECT COUNT(*) FROM (SELECT * FROM events LIMIT 0);
SELECT x FROM (VALUES (0.0E0), (-1.5E0), (CAST('NaN' AS DOUBLE)), (1E300), (-1E300)) AS t(x) ORDER BY x;
SELECT x FROM (VALUES ('b'), ('a'), ('B'), ('ab'), ('é'), ('z')) AS t(x) ORDER BY x;
SELECT x, y FROM (VALUES (TRUE, DATE '2020-01-02'), (FALSE, DATE '1950-01-02'), (TRUE, DATE '1969-12-31')) AS t(x, y)
ORDER BY x, y;
