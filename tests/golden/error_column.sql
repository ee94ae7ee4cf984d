CREATE TABLE t (amount INT, price INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
SELECT amuont
FROM t
WHERE price > 'x' AND;
