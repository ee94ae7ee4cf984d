-- arguments: --format csv
-- WHERE on a window's columns below its aggregation. With HOP, 00:00:02 comes after the end of one of its windows only:
-- the watermark is then 00:00:25 less 20 seconds.
CREATE TABLE times (ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '20' SECOND)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/late.csv', 'format' = 'csv');
SELECT window_start, COUNT(*), MIN(EXTRACT(SECOND FROM ts)), MAX(window_end)
FROM TABLE(HOP(TABLE times, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND))
WHERE window_start < TIMESTAMP '2026-05-01 00:00:20' GROUP BY window_start, window_end;
SELECT EXTRACT(SECOND FROM window_end) AS e, COUNT(*) FILTER (WHERE window_start < ts)
FROM TABLE(TUMBLE(TABLE times, DESCRIPTOR(ts), INTERVAL '4' SECOND))
GROUP BY window_start, window_end, EXTRACT(SECOND FROM window_end);
