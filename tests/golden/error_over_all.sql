-- own: what Tailrace does not do yet
CREATE TABLE t (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
SELECT v, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v) AS rn
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND));
