SET 'table.exec.sink.not-null-enforcer' = 'DROP';
CREATE TABLE trades (ts TIMESTAMP(3), k STRING, v INT, p DECIMAL(10, 2), id INT)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE o (k STRING NOT NULL, v INT, p DECIMAL(10, 2) NOT NULL) WITH ('connector' = 'print');
INSERT INTO o SELECT k, v, p FROM trades;
