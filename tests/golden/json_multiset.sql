-- arguments: --format csv
SET 'execution.runtime-mode' = 'batch';
SELECT JSON_STRING(m), JSON_OBJECT('m' VALUE m), JSON_ARRAY(m)
FROM (SELECT COLLECT(s) AS m FROM (VALUES ('a'), ('b'), ('a')) AS t(s));
