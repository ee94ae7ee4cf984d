-- arguments: --format csv
-- Rows that are equal in what they are ordered by: the one that came first has the lower number. But a deduplication that keeps the
-- last row keeps the one that came last.
CREATE TABLE ties (
  ts TIMESTAMP(3), k STRING, v INT, id INT, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/ties.csv', 'format' = 'csv');
CREATE VIEW windows AS SELECT * FROM TABLE(TUMBLE(TABLE ties, DESCRIPTOR(ts), INTERVAL '10' SECOND));
SELECT 'first', k, id FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY ts) AS rn FROM windows) WHERE rn = 1;
SELECT 'last', k, id FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY ts DESC) AS rn FROM windows) WHERE rn <= 1;
SELECT 'last of window', k, id FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY window_time DESC) AS rn FROM windows)
WHERE rn = 1;
SELECT 'last two', k, id, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY ts DESC) AS rn FROM windows) WHERE rn <= 2;
SELECT 'last by two', k, id FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY ts DESC, v) AS rn FROM windows) WHERE rn = 1;
SELECT 'least', k, id, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY v) AS rn FROM windows) WHERE rn <= 2;
SELECT 'greatest', k, id FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY v DESC) AS rn FROM windows) WHERE rn = 1;
SELECT 'range', id, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY v) AS rn FROM windows) WHERE rn BETWEEN 2 AND 3;
