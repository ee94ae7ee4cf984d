-- arguments: --format csv
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT k, v, w, rn FROM (SELECT k, v, w, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, w) AS rn FROM events) WHERE rn <= 2;
SELECT k, v, w FROM (SELECT k, v, w, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v, w, ts) AS rn FROM events) WHERE rn = 1;
SELECT v, w, rn FROM (SELECT k, v, w, ROW_NUMBER() OVER (ORDER BY v DESC, w, ts) AS rn FROM events) WHERE rn BETWEEN 2 AND 4;
SELECT k, v, w, ts, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v, w, ts) AS rn FROM events;
SELECT k, v, w, ts, ROW_NUMBER() OVER (ORDER BY ts, k, v, w) AS rn FROM events;
SELECT k, v, w FROM events QUALIFY ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC, v, w) <= 2;
SELECT k, n, ROW_NUMBER() OVER (ORDER BY n DESC, k) AS rn FROM (SELECT k, COUNT(*) AS n FROM events GROUP BY k);
SELECT k, COUNT(*) AS n, ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, k) AS rn FROM events GROUP BY k;
SELECT k, v, w, rn FROM (SELECT k, v, w, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY v DESC, w, ts) AS rn FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))) WHERE rn <= 1;
SELECT k, v, rn FROM (SELECT k, v, ROW_NUMBER() OVER (PARTITION BY window_end ORDER BY v DESC, w, ts) AS rn FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))) WHERE rn <= 1;
SELECT k, v, rn FROM (SELECT k, v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v NULLS FIRST, w, ts) AS rn, ROW_NUMBER() OVER (PARTITION BY v ORDER BY k, w, ts) AS rm FROM events) WHERE rn <= 3 AND rm <= 1;
SELECT COUNT(*), MAX(rn) FROM (SELECT ROW_NUMBER() OVER (ORDER BY v, w, ts) AS rn FROM events WHERE v > 1000000);
SELECT k, SUM(v) FROM (SELECT k, v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, w, ts) AS rn FROM events) WHERE rn <= 2 GROUP BY k ORDER BY k;
