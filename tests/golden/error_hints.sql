CREATE TABLE t (a INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
SELECT a FROM t /*+ FOO('x' = 'y') */;
SELECT /*+ BROADCAST(t) */ a FROM t;
