-- once
-- ordered
SHOW TABLES;
CREATE TABLE orders (
  `user` BIGINT NOT NULL, product VARCHAR(32), amount INT, ts TIMESTAMP(3), ptime AS PROCTIME(),
  twice AS amount * 2, PRIMARY KEY (`user`) NOT ENFORCED, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'datagen');
CREATE VIEW big AS SELECT product, amount + 1 AS more FROM orders;
CREATE TABLE a (x INT) WITH ('connector' = 'blackhole');
SHOW TABLES;
SHOW VIEWS;
DESCRIBE orders;
DESC big;
