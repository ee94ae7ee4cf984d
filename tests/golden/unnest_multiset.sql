CREATE TABLE nested (
  ts TIMESTAMP(3), id INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>, n ARRAY<ARRAY<INT>>,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/lists.jsonl', 'format' = 'json');
CREATE VIEW sets AS
SELECT window_end AS we, COLLECT(id / 2) AS ids
FROM TABLE(TUMBLE(TABLE nested, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
SELECT we, x FROM sets CROSS JOIN UNNEST(ids) AS t (x);
