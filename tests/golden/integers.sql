-- arguments: --format csv
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT id, qty / 2, -qty / 2, MOD(-qty, 3), qty % 2, 2147483647 + qty, CAST(qty AS BIGINT) * 3000000000, ABS(-qty)
FROM orders WHERE qty > 1;
