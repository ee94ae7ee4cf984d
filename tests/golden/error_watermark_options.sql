-- own: our texts; Flink refuses the same
CREATE TABLE a (x INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', 'scan.watermark.emit.strategy' = 'now');
CREATE TABLE b (x INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', 'scan.watermark.alignment.group' = 'g');
CREATE TABLE c (x INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', 'scan.watermark.alignment.max-drift' = '1 s');
CREATE TABLE d (x INT, ts AS TO_TIMESTAMP_LTZ(x, 3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'datagen', 'scan.watermark.idle-timeout' = '1 s');
CREATE TABLE e (x INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', 'scan.watermark.idle-timeout' = 'soon');
