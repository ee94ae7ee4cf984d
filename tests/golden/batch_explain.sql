-- own: plans are each one's own
-- once
-- ordered
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE bids (bidtime TIMESTAMP(3), price DECIMAL(10, 2), item STRING, WATERMARK FOR bidtime AS bidtime)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/bids.csv', 'format' = 'csv');
EXPLAIN SELECT item, COUNT(*), MAX(price) FROM bids GROUP BY item HAVING COUNT(*) > 1 ORDER BY 2 DESC, item;
EXPLAIN SELECT price FROM bids WHERE item = 'A' ORDER BY bidtime LIMIT 5 OFFSET 2;
EXPLAIN SELECT DISTINCT item FROM bids;
EXPLAIN SELECT COUNT(DISTINCT item) FROM bids;
EXPLAIN SELECT price FROM bids LIMIT 10 OFFSET 3;
EXPLAIN SELECT COUNT(*) FROM (SELECT price FROM bids ORDER BY bidtime);
EXPLAIN SELECT price FROM (SELECT price, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price DESC) AS rn FROM bids) WHERE rn <= 2;
EXPLAIN SELECT price, ROW_NUMBER() OVER (ORDER BY bidtime) AS rn FROM bids;
