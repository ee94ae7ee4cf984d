-- files: p
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE p (id INT, customer STRING, qty INT, dt STRING) PARTITIONED BY (customer, dt)
WITH ('connector' = 'filesystem', 'path' = '${OUT}/p', 'format' = 'csv');
INSERT INTO p SELECT id, customer, qty, DATE_FORMAT(ts, 'yyyy-MM') FROM orders WHERE id <> 4;
