CREATE TABLE moments (ms BIGINT, t AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR t AS t)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/millis.csv', 'format' = 'csv');
-- Each job takes the settings that hold where it stands.
CREATE TABLE shown (l TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE VIEW first_one AS SELECT CAST(t AS TIMESTAMP(3)) AS l FROM moments WHERE ms = 1767243600000;
SET 'table.local-time-zone' = 'Asia/Kolkata';
SET 'pipeline.name' = 'anything';
INSERT INTO shown SELECT l FROM first_one;
RESET 'table.local-time-zone';
INSERT INTO shown SELECT l FROM first_one;
SET 'table.local-time-zone' = 'Europe/Berlin';
INSERT INTO shown SELECT l FROM first_one;
RESET;
INSERT INTO shown SELECT l FROM first_one;
