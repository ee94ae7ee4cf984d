-- own: our texts
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE s (a INT, b DATE, c STRING) WITH ('connector' = 'print');
INSERT INTO s SELECT 'x' || 'y', 1 + 1, DATE '2026-01-01';
INSERT INTO s VALUES (1, 2, 3);
INSERT INTO s SELECT * FROM (SELECT 'x' AS x, DATE '2026-01-01' AS y, 'z' AS z);
INSERT INTO s SELECT 1, DATE '2026-01-01';
CREATE TABLE d1 (a INT) WITH ('connector' = 'datagen', 'fields.a.min' = '5', 'fields.a.max' = '1');
CREATE TABLE d2 (a INT) WITH ('connector' = 'datagen', 'rows-per-second' = '0');
CREATE TABLE d3 (a INT) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', 'foo' = '1');
CREATE TABLE d4 (a INT) WITH ('connector' = 'filesystem'
  'path' = 'x', 'format' = 'csv');
SELECT a, COUNT(*) FROM (VALUES (1)) AS t(a) GROUP BY 1;
SELECT JSON_VALUE(1, '$.a'), JSON_EXISTS('{}', 2);
SELECT 1 != 2, CAST(1 AS TEXT);
