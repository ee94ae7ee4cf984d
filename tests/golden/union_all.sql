-- arguments: --format csv
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
-- INT with BIGINT becomes BIGINT; equal rows stay.
SELECT id, 'a' AS tag FROM orders WHERE id < 3
UNION ALL SELECT qty, customer FROM orders WHERE id = 1
UNION ALL (SELECT CAST(7000000000 AS BIGINT), 'big' UNION ALL SELECT 1, 'a');
