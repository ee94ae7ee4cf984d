CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE shown (a INT, b STRING, c BIGINT, d DOUBLE) WITH ('connector' = 'print');
INSERT INTO shown (c, a) SELECT qty, id FROM orders WHERE id < 4;
INSERT INTO shown (b) VALUES ('x'), ('y');
INSERT INTO shown VALUES (1, 'z', 2, 3);
