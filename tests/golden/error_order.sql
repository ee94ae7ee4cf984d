-- own: our texts
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE a (x INT, y ROW<z INT>) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
SELECT x FROM a ORDER BY 2;
SELECT x FROM a ORDER BY z;
SELECT DISTINCT x FROM a ORDER BY y;
SELECT x FROM a ORDER BY y;
SELECT x FROM a LIMIT x;
SELECT x FROM a INTERSECT SELECT x FROM a;
SELECT x, COUNT(*) FROM a GROUP BY x ORDER BY y.z;
