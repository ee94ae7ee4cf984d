CREATE TABLE trades (ts TIMESTAMP(3), k STRING, v INT, p DECIMAL(10, 2), id INT)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE t1 (d STRING, v BIGINT) PARTITIONED BY (d) WITH ('connector' = 'print', 'sink.parallelism' = '1');
INSERT INTO t1 PARTITION (d = 'x') SELECT v FROM trades WHERE id < 3;
CREATE TABLE t2 (d INT, v BIGINT, k STRING, n INT) PARTITIONED BY (d, k) WITH ('connector' = 'print', 'sink.parallelism' = '1', 'print-identifier' = 'two');
INSERT INTO t2 PARTITION (d = '7') SELECT v, k, id FROM trades WHERE id < 3;
INSERT INTO t2 PARTITION (d = 8) (k, v) SELECT k, v FROM trades WHERE id < 3;
INSERT INTO t2 PARTITION (k = 'a', d = 8) SELECT v, id FROM trades WHERE id < 3;
