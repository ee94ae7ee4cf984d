CREATE TABLE t (s STRING, a ARRAY<INT>, r ROW<x INT>, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/people.jsonl', 'format' = 'json');
SELECT CAST('abc' AS INT), TRY_CAST('abc' AS INT), CASE WHEN s = 'x' THEN CAST('abc' AS INT) END FROM t;
SELECT REGEXP_EXTRACT(s, 'a(b', 1), DATE_FORMAT(ts, 'yyyy-bb') FROM t;
SELECT s FROM t WHERE ts > '2020-13-01 00:00:00';
SELECT r, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end, r;
CREATE TABLE c (i INT) WITH ('connector' = 'filesystem', 'path' = 'c', 'format' = 'csv', 'csv.field-delimiter' = 'ab');
CREATE TABLE m (m MULTISET<INT>) WITH ('connector' = 'filesystem', 'path' = 'm', 'format' = 'json');
