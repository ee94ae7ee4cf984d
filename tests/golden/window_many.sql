-- arguments: --format csv
-- A row is in 120,000 windows: 131,000 of them have rows, one that begins in each millisecond from the first that has the first row.
CREATE TABLE ties (
  ts TIMESTAMP(3), k STRING, v INT, id INT, WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/ties.csv', 'format' = 'csv');
CREATE VIEW many AS SELECT COUNT(*) AS n, window_time AS t
FROM TABLE(HOP(TABLE ties, DESCRIPTOR(ts), INTERVAL '0.001' SECOND, INTERVAL '2' MINUTE)) GROUP BY window_start, window_end, window_time;
SELECT COUNT(*), SUM(n) FROM TABLE(TUMBLE(TABLE many, DESCRIPTOR(t), INTERVAL '1' DAY)) GROUP BY window_start, window_end;
