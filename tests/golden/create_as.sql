-- own: Flink goes on before what AS writes is there, and DESCRIBE calls ts a *ROWTIME* there, which it is not
CREATE TABLE trades (
  ts TIMESTAMP(3), k STRING, v INT, p DECIMAL(10, 2), id INT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE few WITH ('connector' = 'print') AS SELECT id, k, v + 1 AS w, ts FROM trades WHERE id < 3;
CREATE TABLE wider (z INT, w BIGINT) WITH ('connector' = 'print', 'print-identifier' = 'wider')
AS SELECT k, v + 1 AS w FROM trades WHERE id < 2;
CREATE TABLE in_order (w, k) WITH ('connector' = 'print', 'print-identifier' = 'ordered')
AS SELECT k, v + 1 AS w FROM trades WHERE id < 2;
CREATE TABLE by_window WITH ('connector' = 'print', 'print-identifier' = 'windows')
AS SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
DESCRIBE few;
DESCRIBE wider;
DESCRIBE in_order;
DESCRIBE by_window;
CREATE TABLE IF NOT EXISTS other WITH ('connector' = 'print', 'print-identifier' = 'other') AS VALUES (1, 'a');
DESCRIBE other;
