-- own: plans are each one's own
-- once
-- ordered
-- The details of EXPLAIN; CREATE TABLE .. AS is explained, and the table is not there afterwards.
CREATE TABLE bids (bidtime TIMESTAMP(3), price DECIMAL(10, 2), WATERMARK FOR bidtime AS bidtime)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/bids.csv', 'format' = 'csv');
EXPLAIN CHANGELOG_MODE SELECT bidtime FROM bids WHERE price > 1;
EXPLAIN CREATE TABLE copy WITH ('connector' = 'blackhole') AS SELECT price FROM bids;
EXPLAIN CREATE OR REPLACE TABLE copy WITH ('connector' = 'blackhole') AS SELECT price + 1 AS more FROM bids;
SHOW TABLES;
DROP FUNCTION IF EXISTS f;
DROP DATABASE IF EXISTS elsewhere;
SET pipeline.name = unquoted;
SHOW MODELS;
