CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'blackhole');
SHOW CREATE VIEW t;
SHOW CREATE TABLE nowhere;
SHOW TABLES FROM elsewhere;
SHOW PARTITIONS t;
USE elsewhere;
USE CATALOG elsewhere;
