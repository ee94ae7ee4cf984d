-- own: Flink neither compares nor counts multisets
-- arguments: --format csv
SET 'execution.runtime-mode' = 'batch';
SELECT m = n, CARDINALITY(m), CAST(m AS STRING)
FROM (SELECT COLLECT(s) AS m, COLLECT(DISTINCT s) AS n FROM (VALUES ('a'), ('b'), ('a')) AS t(s));
