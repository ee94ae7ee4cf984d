SELECT * FROM (VALUES (1, 'one', TRUE), (2, 'two', FALSE), (-3, CAST(NULL AS STRING), CAST(NULL AS BOOLEAN))) AS t (n, name, flag) WHERE n <> 2;
