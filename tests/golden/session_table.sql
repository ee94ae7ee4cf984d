-- arguments: --format csv
-- Sessions that nobody aggregates directly. WHERE takes rows away before what is aggregated, and after what is read.
CREATE TABLE ties (
  ts TIMESTAMP(3), k STRING, v INT, id INT, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/ties.csv', 'format' = 'csv');
CREATE VIEW deep AS SELECT ts, k, ARRAY[v, id] AS a, CAST(ROW(v, k) AS ROW<x INT, y STRING>) AS r, CAST(v / 2.0 AS DECIMAL(5, 2)) AS d FROM ties;
SELECT * FROM TABLE(SESSION(TABLE ties PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND));
SELECT 'all', k, id, window_start, window_end, window_time
FROM TABLE(SESSION(TABLE ties, DESCRIPTOR(ts), INTERVAL '3' SECOND));
SELECT 'nested', a, r, d, window_end FROM TABLE(SESSION(TABLE deep PARTITION BY r, DESCRIPTOR(ts), INTERVAL '1' SECOND));
SELECT 'later', id, window_start FROM TABLE(SESSION(TABLE ties PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND))
WHERE window_start > TIMESTAMP '2026-05-01 00:00:01.500';
SELECT 'above', id, window_start FROM TABLE(SESSION(TABLE ties PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND))
WHERE v > 1;
SELECT 'below', k, COUNT(*), window_start FROM TABLE(SESSION(TABLE ties PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND))
WHERE v > 1 GROUP BY k, window_start, window_end;
SELECT 'below, too', k, COUNT(*), window_start FROM (
  SELECT k, window_start, window_end, v FROM TABLE(SESSION(TABLE ties PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND))
  WHERE v > 1) GROUP BY k, window_start, window_end;
SELECT 'aggregated', k, COUNT(*), window_start FROM TABLE(SESSION(TABLE ties PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND))
WHERE window_start > TIMESTAMP '2026-05-01 00:00:01.500' GROUP BY k, window_start, window_end;
SELECT 'ranked', k, id, window_end, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY id) AS rn
  FROM TABLE(SESSION(TABLE ties PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND))) WHERE rn <= 2;
SELECT 'unnested', k, id, x, window_end
FROM TABLE(SESSION(TABLE ties PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) CROSS JOIN UNNEST(ARRAY[1, 2]) AS e (x);
