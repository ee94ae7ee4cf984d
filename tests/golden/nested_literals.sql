-- Cells of VALUES that are no literals.
SELECT id, a, x, m['k'] AS k, r.b AS b
FROM (VALUES (1, ARRAY[1, 2], MAP['k', 'one'], CAST(ROW(1, 'x') AS ROW<a INT, b STRING>)),
  (2, ARRAY[3], MAP['k', 'two'], CAST(NULL AS ROW<a INT, b STRING>)),
  (3, CAST(NULL AS ARRAY<INT>), MAP['k', UPPER('three')], CAST((3, 'z') AS ROW<a INT, b STRING>))) AS t (id, a, m, r)
LEFT JOIN UNNEST(a) AS u (x) ON TRUE;
