-- arguments: --format csv
CREATE TABLE trades (
  ts TIMESTAMP(3), k STRING, v INT, p DECIMAL(10, 2), id INT
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/none.csv', 'format' = 'csv', 'csv.null-literal' = 'x');
CREATE TABLE timed (x AS v + 1, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('path' = '${DATA}/trades.csv', 'csv.null-literal' = 'NULL') LIKE trades;
SELECT window_end, SUM(x), COUNT(*) FROM TABLE(TUMBLE(TABLE timed, DESCRIPTOR(ts), INTERVAL '30' SECOND))
GROUP BY window_start, window_end;
