-- own: plans are each one's own
-- once
-- ordered
CREATE TABLE bids (bidtime TIMESTAMP(3), price DECIMAL(10, 2), item STRING, WATERMARK FOR bidtime AS bidtime)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/bids.csv', 'format' = 'csv');
CREATE TABLE dear (item STRING) WITH ('connector' = 'blackhole');
CREATE TABLE sums (total DECIMAL(38, 2)) WITH ('connector' = 'blackhole');
CREATE VIEW windows AS SELECT window_start, SUM(price) AS total, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '10' MINUTES)) GROUP BY window_start, window_end;
EXPLAIN STATEMENT SET BEGIN
INSERT INTO dear SELECT item FROM bids WHERE price > 3;
INSERT INTO sums SELECT total FROM windows;
INSERT INTO sums SELECT total FROM windows WHERE n > 1;
END;
