CREATE TABLE nested (
  ts TIMESTAMP(3), id INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>, n ARRAY<ARRAY<INT>>,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/lists.jsonl', 'format' = 'json');
SELECT id, x, k FROM nested JOIN UNNEST(a) AS t (x) ON x >= 10 CROSS JOIN UNNEST(MAP_KEYS(m)) AS u (k);
