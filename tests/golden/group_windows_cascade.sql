-- arguments: --format csv
CREATE TABLE trades (
  ts TIMESTAMP(3), k STRING, v INT, p DECIMAL(10, 2), id INT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE VIEW tens AS
SELECT TUMBLE_ROWTIME(ts, INTERVAL '10' SECOND) AS rt, TUMBLE_END(ts, INTERVAL '10' SECOND) AS e, k, SUM(v) AS s
FROM trades GROUP BY TUMBLE(ts, INTERVAL '10' SECOND), k;
DESCRIBE tens;
SELECT TUMBLE_START(rt, INTERVAL '30' SECOND), TUMBLE_ROWTIME(rt, INTERVAL '30' SECOND), SUM(s), MAX(e), COUNT(*)
FROM tens GROUP BY TUMBLE(rt, INTERVAL '30' SECOND);
SELECT window_start, k, SUM(s) FROM TABLE(TUMBLE(TABLE tens, DESCRIPTOR(rt), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, k;
-- And the other way round: the time of a table function's window.
SELECT HOP_END(window_time, INTERVAL '30' SECOND, INTERVAL '1' MINUTE) AS e, SUM(s) FROM (
  SELECT window_time, k, SUM(v) AS s FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end, window_time, k)
GROUP BY HOP(window_time, INTERVAL '30' SECOND, INTERVAL '1' MINUTE);
