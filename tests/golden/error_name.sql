CREATE TABLE t (amount INT, price INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
SELECT price,
       amuont FROM t;
SELECT * FROM tt;
SELECT UPERR('x');
