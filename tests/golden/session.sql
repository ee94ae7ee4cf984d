CREATE TABLE bids (
  bidtime TIMESTAMP(3), price DECIMAL(10, 2), item STRING, WATERMARK FOR bidtime AS bidtime - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/session_bids.csv', 'format' = 'csv');
CREATE TABLE shown (s TIMESTAMP(3), e TIMESTAMP(3), item STRING, total DECIMAL(38, 2)) WITH ('connector' = 'print');
INSERT INTO shown
SELECT window_start, window_end, item, SUM(price)
FROM TABLE(SESSION(TABLE bids PARTITION BY item, DESCRIPTOR(bidtime), INTERVAL '5' MINUTES))
GROUP BY item, window_start, window_end;
