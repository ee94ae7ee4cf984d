CREATE TABLE nested (
  ts TIMESTAMP(3), id INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>, n ARRAY<ARRAY<INT>>,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/lists.jsonl', 'format' = 'json');
SELECT id, x, y FROM nested LEFT JOIN UNNEST(ARRAY_REVERSE(r)) AS e ON TRUE WHERE id < 5;
