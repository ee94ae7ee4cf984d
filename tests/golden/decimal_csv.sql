-- arguments: --format csv
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
-- Numbers lose their trailing zeros, and may get an exponent, as in Flink's csv (and json).
SELECT id, amount FROM orders WHERE amount IS NOT NULL;
