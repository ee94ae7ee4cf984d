-- arguments: --format csv
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
WITH a AS (SELECT id, qty FROM orders),
     b (k, q) AS (SELECT id + 100, qty FROM a WHERE qty > 1)
SELECT k, q FROM b WHERE k <> 105;
