-- arguments: --format csv
-- Windows aggregated again: the windows of a result are those of the rows in it.
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE VIEW per_key AS
SELECT k, window_start AS s, window_end AS e, window_time AS t, COUNT(*) AS n
FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND))
GROUP BY k, window_start, window_end, window_time;
SELECT 'most', s, e, MAX(n), COUNT(*) FROM per_key GROUP BY s, e;
SELECT 'sessions', window_start, COUNT(*), SUM(n)
FROM (SELECT window_start, window_end, COUNT(*) AS n
      FROM TABLE(SESSION(TABLE events PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND))
      WHERE k IS NOT NULL GROUP BY window_start, window_end, k)
GROUP BY window_start, window_end;
SELECT 'thrice', window_start, SUM(m)
FROM TABLE(TUMBLE((SELECT t, SUM(n) AS m FROM per_key GROUP BY s, e, t HAVING SUM(n) > 4),
  DESCRIPTOR(t), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
