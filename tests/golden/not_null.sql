CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
-- A column declared NOT NULL takes what is not NULL, also from an expression that might be.
CREATE TABLE shown (id INT NOT NULL, customer STRING NOT NULL) WITH ('connector' = 'print');
INSERT INTO shown SELECT id, customer FROM orders WHERE customer IS NOT NULL;
INSERT INTO shown SELECT id, COALESCE(customer, '?') FROM orders WHERE id = 5;
