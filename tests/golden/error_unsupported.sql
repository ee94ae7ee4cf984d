-- own: what Tailrace does not do yet
CREATE TABLE a (x INT, ts AS LOCALTIMESTAMP) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
SELECT * FROM a JOIN a AS b ON a.x = b.x;
SELECT x FROM a ORDER BY x LIMIT 3;
SELECT x, COUNT(*) FROM a GROUP BY x;
