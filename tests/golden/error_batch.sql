-- own: our texts
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE a (x INT) WITH ('connector' = 'datagen');
CREATE TABLE b (x INT) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', 'source.monitor-interval' = '1 s');
SELECT x, COUNT(*) FROM a GROUP BY x;
SELECT * FROM b;
SET 'execution.runtime-mode' = 'automatic';
SELECT 1;
