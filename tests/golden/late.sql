-- arguments: --format csv
-- The watermark is the greatest time seen: 00:00:02 comes when its window is done, 00:00:24 when its own is still open.
CREATE TABLE times (ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/late.csv', 'format' = 'csv');
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE times, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
