CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE shown (id INT, m DATE, n TIMESTAMP(3)) WITH ('connector' = 'print');
INSERT INTO shown SELECT id, d + INTERVAL '1' MONTH, ts - INTERVAL '1-2' YEAR TO MONTH FROM orders WHERE id IN (4, 5);
INSERT INTO shown SELECT 6, DATE '2026-01-31' + INTERVAL '1' MONTH, TIMESTAMP '2024-02-29 01:00:00' + INTERVAL '1' YEAR;
