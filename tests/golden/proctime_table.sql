-- arguments: --format csv
-- Windows of now: which they are nobody knows, but how long and how many.
CREATE TABLE ties (ts TIMESTAMP(3), k STRING, v INT, id INT, p AS PROCTIME())
WITH ('connector' = 'filesystem', 'path' = '${DATA}/ties.csv', 'format' = 'csv');
SELECT 'tumble', id, TIMESTAMPDIFF(SECOND, window_start, window_end)
FROM TABLE(TUMBLE(TABLE ties, DESCRIPTOR(p), INTERVAL '10' SECOND));
SELECT 'hop', id, TIMESTAMPDIFF(SECOND, window_start, window_end)
FROM TABLE(HOP(TABLE ties, DESCRIPTOR(p), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) WHERE id > 5;
SELECT 'time', id, window_time IS NULL, p IS NULL FROM TABLE(TUMBLE(TABLE ties, DESCRIPTOR(p), INTERVAL '10' SECOND))
WHERE window_end > TIMESTAMP '2020-01-01 00:00:00';
