-- files: out
-- One table, read once for all of them: a filter, a window, the same window again by a view, and a union of two parts of it.
CREATE TABLE bids (bidtime TIMESTAMP(3), price DECIMAL(10, 2), item STRING, WATERMARK FOR bidtime AS bidtime - INTERVAL '30' MINUTES)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/bids.csv', 'format' = 'csv');
CREATE TABLE dear (item STRING) WITH ('connector' = 'filesystem', 'path' = '${OUT}/out/dear', 'format' = 'csv');
CREATE TABLE sums (total DECIMAL(38, 2)) WITH ('connector' = 'filesystem', 'path' = '${OUT}/out/sums', 'format' = 'csv');
CREATE TABLE counts (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '${OUT}/out/counts', 'format' = 'csv');
CREATE TABLE parts (price DECIMAL(10, 2), item STRING) WITH ('connector' = 'filesystem', 'path' = '${OUT}/out/parts', 'format' = 'csv');
CREATE VIEW windows AS SELECT window_start, SUM(price) AS total, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '10' MINUTES)) GROUP BY window_start, window_end;
EXECUTE STATEMENT SET BEGIN
INSERT INTO dear SELECT item FROM bids WHERE price > 3;
INSERT INTO sums SELECT total FROM windows;
INSERT INTO counts SELECT n FROM windows WHERE total > 10;
INSERT INTO parts SELECT price, item FROM bids WHERE price < 3 UNION ALL SELECT price * 2, 'double ' || item FROM bids WHERE item = 'D';
END;
