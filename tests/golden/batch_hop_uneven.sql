-- arguments: --format csv
-- A slide that does not divide the size: in batch mode such windows are aggregated, too.
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE bids (bidtime TIMESTAMP(3), price DECIMAL(10, 2), item STRING, WATERMARK FOR bidtime AS bidtime)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/bids.csv', 'format' = 'csv');
SELECT window_start, window_end, COUNT(*), SUM(price)
FROM TABLE(HOP(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '4' MINUTES, INTERVAL '10' MINUTES))
GROUP BY window_start, window_end;
