-- once
-- ordered
CREATE TABLE trades (
  ts TIMESTAMP(3), k STRING COMMENT 'who', v INT NOT NULL, r ROW<`a` STRING, b BYTES>, twice AS v * 2, pt AS PROCTIME(),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, CONSTRAINT c PRIMARY KEY (k, v) NOT ENFORCED
) COMMENT 'it''s trades' PARTITIONED BY (k) WITH ('path' = '/data/none.json', 'connector' = 'filesystem', 'format' = 'json');
CREATE VIEW big AS SELECT k, v + 1 AS more FROM trades;
CREATE TABLE a_b (x INT PRIMARY KEY NOT ENFORCED) WITH ('connector' = 'blackhole');
SHOW TABLES LIKE 't%';
SHOW TABLES NOT LIKE 't%';
SHOW TABLES FROM default_database LIKE '_\_b';
SHOW TABLES IN default_catalog.default_database LIKE 'b%';
SHOW TABLES LIKE 'T%';
SHOW VIEWS LIKE '%g';
SHOW COLUMNS FROM trades;
SHOW COLUMNS IN trades LIKE '%t%';
SHOW COLUMNS FROM big NOT LIKE 'k';
SHOW CREATE TABLE trades;
SHOW CREATE TABLE a_b;
SHOW DATABASES;
SHOW DATABASES LIKE 'x%';
SHOW CURRENT DATABASE;
SHOW CATALOGS;
SHOW CURRENT CATALOG;
SHOW MODULES;
SHOW FULL MODULES;
SHOW USER FUNCTIONS;
SHOW JARS;
DESCRIBE EXTENDED big;
DESC trades;
USE default_database;
USE CATALOG default_catalog;
USE default_catalog.default_database;
SHOW TABLES;
