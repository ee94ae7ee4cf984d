-- arguments: --format json
-- ROW, ARRAY and MAP cast field by field and element by element, also by INSERT and among NULLs. With TRY_CAST one bad
-- element makes the whole NULL.
CREATE TABLE nested (
  id INT, ar ARRAY<INT>, m MAP<STRING, INT>, r ROW<x INT, y STRING, w ARRAY<ROW<q STRING>>>
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/nested.jsonl', 'format' = 'json');
SELECT id, CAST(ar AS ARRAY<STRING>) AS a, CAST(m AS MAP<STRING, DECIMAL(5, 1)>) AS m,
  CAST(r AS ROW<x DOUBLE, y INT, w ARRAY<ROW<q BIGINT>>>) AS r
FROM nested WHERE id < 5;
SELECT id, TRY_CAST(r AS ROW<a BIGINT, b BIGINT, c ARRAY<ROW<q BIGINT>>>) AS r FROM nested WHERE id = 5;
SELECT CAST(ROW(ROW(1, '2'), CAST(NULL AS STRING)) AS ROW<a ROW<b STRING, c DOUBLE>, d INT>) AS r;
CREATE TABLE shown (id BIGINT, ar ARRAY<BIGINT>) WITH ('connector' = 'print');
INSERT INTO shown SELECT id, ar FROM nested;
