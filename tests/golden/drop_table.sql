-- arguments: --format csv
CREATE TABLE t (a INT) WITH ('connector' = 'blackhole');
DROP TABLE t;
DROP TABLE IF EXISTS t;
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE IF NOT EXISTS orders (other INT) WITH ('connector' = 'blackhole');
SELECT id FROM orders WHERE id = 3;
