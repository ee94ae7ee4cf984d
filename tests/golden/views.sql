-- arguments: --format csv
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE VIEW v (a, b) AS SELECT id, amount FROM orders;
CREATE TEMPORARY VIEW IF NOT EXISTS w AS SELECT a, b FROM v WHERE b > 5;
CREATE VIEW IF NOT EXISTS v AS SELECT 'not taken';
SELECT w.a FROM w;
DROP TEMPORARY VIEW w;
CREATE VIEW w AS SELECT a FROM v WHERE a = 2;
SELECT x.a AS renamed FROM w AS x;
