-- own: Flink's filesystem source takes no watermarks in, so the option does nothing there
-- A watermark for each row that moves it, and (by a hint) one that exceeds the last by 200 ms.
SET 'table.local-time-zone' = 'UTC';
CREATE TABLE t (a BIGINT, ts AS TO_TIMESTAMP_LTZ(a / 100, 3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/millis.csv', 'format' = 'csv', 'scan.watermark.emit.strategy' = 'on-event',
      'scan.watermark.alignment.group' = 'g', 'scan.watermark.alignment.max-drift' = '1 h', 'scan.watermark.idle-timeout' = '1 min');
SELECT ts, CURRENT_WATERMARK(ts) AS w FROM t;
SELECT ts, CURRENT_WATERMARK(ts) AS w FROM t /*+ OPTIONS('scan.watermark.emit.strategy' = 'on-periodic') */ WHERE a = 1767329999999;
