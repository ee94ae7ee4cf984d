CREATE TABLE nested (
  ts TIMESTAMP(3), id INT, n ARRAY<ARRAY<INT>>, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/lists.jsonl', 'format' = 'json');
CREATE VIEW elements AS SELECT ts, id, CARDINALITY(x) AS n FROM nested CROSS JOIN UNNEST(n) AS t (x) WHERE CARDINALITY(x) > 0;
SELECT window_start, FIRST_VALUE(id) AS first, LAST_VALUE(id) AS last
FROM TABLE(TUMBLE(TABLE elements, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
