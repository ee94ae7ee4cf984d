-- arguments: --format csv
CREATE TABLE orders (
  total AS qty * price, id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE,
  label AS UPPER(customer) || CAST(id AS STRING)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders5.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT * FROM orders;
