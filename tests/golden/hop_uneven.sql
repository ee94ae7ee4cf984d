-- arguments: --format csv
-- A slide that does not divide the size: where nobody aggregates by the window.
CREATE TABLE bids (bidtime TIMESTAMP(3), price DECIMAL(10, 2), item STRING, WATERMARK FOR bidtime AS bidtime)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/bids.csv', 'format' = 'csv');
SELECT item, window_start, window_end
FROM TABLE(HOP(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '4' MINUTES, INTERVAL '10' MINUTES));
