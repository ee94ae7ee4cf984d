CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE late_rows (a STRING, b STRING, c INT) WITH ('connector' = 'filesystem', 'path' = '/nowhere', 'format' = 'csv');
CREATE TABLE shown (a STRING, b STRING) WITH ('connector' = 'print');
INSERT INTO shown /*+ OPTIONS('print-identifier' = 'id') */
SELECT a, b FROM late_rows /*+ OPTIONS('path' = '${DATA}/late.csv', 'csv.field-delimiter' = ':') */ AS l WHERE l.c > 20;
INSERT INTO shown SELECT customer, CAST(id AS STRING)
FROM orders /*+ OPTIONS('csv.null-literal' = 'ann', 'csv.ignore-parse-errors' = 'true') */ WHERE id IN (1, 4);
