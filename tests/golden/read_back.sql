-- arguments: --format csv
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
-- A job's files can be read by the next one.
CREATE TABLE p (id INT, customer STRING, amount DECIMAL(10, 2), ts TIMESTAMP(3))
WITH ('connector' = 'filesystem', 'path' = '${OUT}/p', 'format' = 'json');
INSERT INTO p SELECT id, customer, amount, ts FROM orders;
SELECT id, customer, amount * 10, ts FROM p WHERE amount > 1;
