CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE shown (id INT, y BIGINT, h BIGINT, f TIMESTAMP(3), n TIMESTAMP(3), s STRING, x DATE, m INT)
WITH ('connector' = 'print');
INSERT INTO shown
SELECT id, EXTRACT(YEAR FROM ts), EXTRACT(HOUR FROM ts), FLOOR(ts TO HOUR), ts + INTERVAL '1 02:00:00' DAY TO SECOND,
       DATE_FORMAT(ts, 'dd.MM.yyyy'), CAST(ts AS DATE), TIMESTAMPDIFF(MINUTE, TIMESTAMP '2026-01-01 00:00:00', ts)
FROM orders WHERE id IN (2, 4);
