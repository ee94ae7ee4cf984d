CREATE TABLE bids (
  bidtime TIMESTAMP(3), price DECIMAL(10, 2), item STRING, WATERMARK FOR bidtime AS bidtime - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/session_bids.csv', 'format' = 'csv');
CREATE TABLE shown (s TIMESTAMP(3), e TIMESTAMP(3), item STRING, total DECIMAL(38, 2)) WITH ('connector' = 'print');
INSERT INTO shown
SELECT window_start, window_end, CAST(NULL AS STRING), SUM(price)
FROM TABLE(SESSION(DATA => TABLE bids, TIMECOL => DESCRIPTOR(bidtime), GAP => INTERVAL '5' MINUTES))
GROUP BY window_start, window_end;
