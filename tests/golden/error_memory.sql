-- own: the option is Tailrace's own
-- once
SET 'state.memory.limit' = '64 quarks';
SET 'state.memory.limit' = '-1 mb';
CREATE TABLE bids (bidtime TIMESTAMP(3), price DECIMAL(10, 2), item STRING, WATERMARK FOR bidtime AS bidtime)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/bids.csv', 'format' = 'csv');
