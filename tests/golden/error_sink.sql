CREATE TABLE s (a INT, b STRING) WITH ('connector' = 'blackhole');
INSERT INTO s SELECT 1;
INSERT INTO s SELECT 'x', 'y';
INSERT INTO s (a, c) VALUES (1, 'x');
