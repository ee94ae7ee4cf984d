-- own: a view's query is shown as we write trees, not as Calcite does
-- once
-- ordered
CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'datagen');
CREATE TEMPORARY VIEW big (`a b`, c) COMMENT 'big ones' AS SELECT k, v+1 FROM t WHERE v > 1;
SHOW CREATE VIEW big;
