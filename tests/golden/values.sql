SELECT * FROM (VALUES (1, 'one', TRUE), (2, NULL, FALSE), (-3, 'three', NULL)) AS t (n, name, flag) WHERE n <> 2;
