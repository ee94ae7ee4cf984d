-- arguments: --format csv
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT id, SUBSTRING(customer FROM 2 FOR 2), POSITION('n' IN customer), CHAR_LENGTH(customer),
       SPLIT_INDEX('a/b/c', '/', id), REGEXP_EXTRACT('x=42;y=7', '([a-z])=(\d+)', 2), LPAD(customer, 4, '*'),
       REPLACE(customer, 'n', '_'), TRIM(BOTH 'a' FROM customer), CONCAT(customer, '?', LOWER('ÇX'))
FROM orders WHERE id IN (1, 4, 5);
