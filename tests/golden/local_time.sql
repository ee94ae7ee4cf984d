CREATE TABLE moments (ms BIGINT, t AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR t AS t)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/millis.csv', 'format' = 'csv');
-- Windows of a day begin at midnight in New York; 8 March 2026 has 23 hours there.
SET 'table.local-time-zone' = 'America/New_York';
CREATE TABLE shown (s TIMESTAMP(3), e TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');
INSERT INTO shown SELECT window_start, window_end, COUNT(*)
FROM TABLE(TUMBLE(TABLE moments, DESCRIPTOR(t), INTERVAL '1' DAY)) GROUP BY window_start, window_end;
