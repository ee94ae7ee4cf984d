-- arguments: --format csv
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT 'or', id FROM orders WHERE qty > 1 OR price > 1.0
UNION ALL SELECT 'not', id FROM orders WHERE NOT (qty > 1)
UNION ALL SELECT 'is not true', id FROM orders WHERE paid IS NOT TRUE
UNION ALL SELECT 'in', id FROM orders WHERE customer IN ('ann', 'bob') AND qty IS NOT NULL
UNION ALL SELECT 'like', id FROM orders WHERE customer LIKE '%e_ik' OR customer LIKE 'b%'
UNION ALL SELECT 'date', id FROM orders WHERE d > DATE '2026-01-02' AND ts < TIMESTAMP '2026-02-01 00:00:00'
UNION ALL SELECT 'not in', id FROM orders WHERE customer NOT IN ('ann');
