CREATE TABLE lists (
  ts TIMESTAMP(3), id INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>, p ROW<x INT, y STRING>,
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/groups.jsonl', 'format' = 'json');
SELECT id, p.* FROM lists;
