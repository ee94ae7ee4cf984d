-- arguments: --format csv
-- Window table functions on their own: the rows of Flink's own documentation of windows.
CREATE TABLE bids (bidtime TIMESTAMP(3), price DECIMAL(10, 2), item STRING, WATERMARK FOR bidtime AS bidtime)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/bids.csv', 'format' = 'csv');
SELECT 'tumble', t.* FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '10' MINUTES)) AS t;
SELECT 'hop', item, window_start, window_end
FROM TABLE(HOP(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '5' MINUTES, INTERVAL '10' MINUTES));
SELECT window_end, 'cumulate', item
FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '2' MINUTES, INTERVAL '10' MINUTES))
WHERE window_end > TIMESTAMP '2020-04-15 08:08:00' AND price < 6;
