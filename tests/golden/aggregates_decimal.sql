CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE shown (s TIMESTAMP(3), sw DOUBLE, aw DOUBLE, sd DECIMAL(38, 2), ad DECIMAL(38, 6), mi DECIMAL(10, 2),
                    ma DECIMAL(10, 2)) WITH ('connector' = 'print');
INSERT INTO shown SELECT window_start, SUM(w), AVG(w), SUM(d), AVG(d), MIN(d), MAX(d)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
