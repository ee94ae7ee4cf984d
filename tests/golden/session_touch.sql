CREATE TABLE bids (
  bidtime TIMESTAMP(3), price DECIMAL(10, 2), item STRING, WATERMARK FOR bidtime AS bidtime - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/session_bids.csv', 'format' = 'csv');
CREATE TABLE shown (s TIMESTAMP(3), e TIMESTAMP(3), item STRING, total DECIMAL(38, 2)) WITH ('connector' = 'print');
-- Sessions that touch become one (08:09 and 08:17, eight minutes apart); a gap of seven keeps them apart.
INSERT INTO shown
SELECT window_start, window_end, CAST('eight' AS STRING), SUM(price)
FROM TABLE(SESSION(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '8' MINUTES)) GROUP BY window_start, window_end;
INSERT INTO shown
SELECT window_start, window_end, CAST('seven' AS STRING), SUM(price)
FROM TABLE(SESSION(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '7' MINUTES)) GROUP BY window_start, window_end;
