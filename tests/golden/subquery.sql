-- arguments: --format csv
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT c, n + 1 FROM (SELECT customer AS c, qty * 10 AS n FROM orders WHERE qty IS NOT NULL) AS s WHERE s.n >= 20;
