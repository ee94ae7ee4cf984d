-- arguments: --format csv
-- Rows behind the watermark: a row is late for a window whose end is at or before it, and still counts in the others.
CREATE TABLE events (ts TIMESTAMP(3), k STRING, v INT, WATERMARK FOR ts AS ts - INTERVAL '10' SECOND)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/late_rows.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT 'tumble', k, window_start, window_end, SUM(v) FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY k, window_start, window_end;
SELECT 'hop', k, window_start, window_end, SUM(v) FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND))
GROUP BY k, window_start, window_end;
SELECT 'cumulate', k, window_start, window_end, SUM(v) FROM TABLE(CUMULATE(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND))
GROUP BY k, window_start, window_end;
SELECT 'hop7', window_start, window_end, COUNT(DISTINCT v) FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL '12' SECOND, INTERVAL '1' SECOND))
GROUP BY window_start, window_end;
