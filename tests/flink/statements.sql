-- The tables that the statements of statements.txt are about.
CREATE TABLE src (a INT, b STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'datagen', 'number-of-rows' = '1');
CREATE TABLE prt (a INT, p INT) PARTITIONED BY (p)
WITH ('connector' = 'filesystem', 'path' = '/nonexistent/prt', 'format' = 'csv');
CREATE TABLE snk (a INT) WITH ('connector' = 'blackhole');
CREATE VIEW vv AS SELECT a FROM src;
