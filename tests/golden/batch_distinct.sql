-- arguments: --format csv
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT DISTINCT k, 1 FROM events;
SELECT DISTINCT k, v IS NULL FROM events WHERE ts > TIMESTAMP '2024-01-01 00:00:00';
SELECT DISTINCT COUNT(*) FROM events GROUP BY k;
SELECT COUNT(*) FROM (SELECT DISTINCT k, v FROM events);
SELECT DISTINCT x, 2 FROM (VALUES (1.0, 'a'), (1.00, 'b'), (CAST(NULL AS DECIMAL(3, 2)), 'c'), (CAST(NULL AS DECIMAL(3, 2)), 'd')) AS t(x, y);
