-- files: out
CREATE TABLE trades (ts TIMESTAMP(3), k STRING, v INT, p DECIMAL(10, 2), id INT)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE o (v BIGINT, d STRING, e INT) PARTITIONED BY (d, e) WITH ('connector' = 'filesystem', 'path' = '${OUT}/out', 'format' = 'csv');
INSERT INTO o PARTITION (d = 'x') SELECT v, id / 2 FROM trades WHERE id < 5;
