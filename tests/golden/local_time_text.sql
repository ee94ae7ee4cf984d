CREATE TABLE moments (ms BIGINT, t AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR t AS t)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/millis.csv', 'format' = 'csv');
SET 'table.local-time-zone' = 'America/New_York';
CREATE TABLE shown (t TIMESTAMP_LTZ(3), c STRING, f STRING, l TIMESTAMP(3), h BIGINT) WITH ('connector' = 'print');
INSERT INTO shown SELECT t, CAST(t AS STRING), DATE_FORMAT(t, 'yyyy/MM/dd HH:mm'), CAST(t AS TIMESTAMP(3)),
                         EXTRACT(HOUR FROM t)
FROM moments WHERE ms <> 1773028800000;
