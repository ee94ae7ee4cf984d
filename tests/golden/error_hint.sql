CREATE TABLE t (a INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
CREATE VIEW v AS SELECT a FROM t;
SELECT a FROM t /*+ OPTIONS('number-of-row' = '2') */;
SELECT a FROM t /*+ OPTIONS('connector' = 'print') */;
SELECT a FROM v /*+ OPTIONS('number-of-rows' = '2') */;
DESCRIBE w;
