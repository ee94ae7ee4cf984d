CREATE TABLE lists (id INT, a ARRAY<INT>, r ROW<x INT>)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/lists.jsonl', 'format' = 'json');
SELECT id, x FROM lists CROSS JOIN UNNEST(id) AS t (x);
SELECT id, x FROM lists CROSS JOIN UNNEST(a) AS t (x, y);
SELECT id, x FROM lists, LATERAL TABLE(SPLIT('a,b', ',')) AS t (x);
SELECT id, x FROM lists RIGHT JOIN UNNEST(a) AS t (x) ON TRUE;
SELECT a[0], r[2], id[1], ARRAY[], a < a FROM lists;
