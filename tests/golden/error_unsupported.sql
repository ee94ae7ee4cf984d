CREATE TABLE a (x INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
SELECT * FROM a JOIN a AS b ON a.x = b.x;
SELECT x FROM a ORDER BY x LIMIT 3;
