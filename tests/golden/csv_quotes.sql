-- arguments: --format csv
SELECT * FROM (VALUES (1, 'a,b'), (2, 'say "hi"'), (3, 'two words'), (4, 'plain'), (5, ''), (6, 'it''s')) AS t (n, s);
