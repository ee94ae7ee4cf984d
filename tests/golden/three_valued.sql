-- arguments: --format csv
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT id, paid AND qty > 2, paid OR qty > 2, NOT paid, qty IS NULL, customer IS DISTINCT FROM 'ann',
       COALESCE(qty, -1), NULLIF(qty, 3), qty IN (1, 3), qty BETWEEN 2 AND 5,
       CASE WHEN qty > 2 THEN 'many' WHEN qty > 0 THEN 'few' ELSE 'unknown' END
FROM orders;
