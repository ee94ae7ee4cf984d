CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE shown (id INT, a DECIMAL(20, 2), b DECIMAL(38, 5), c DECIMAL(21, 13), d DECIMAL(13, 2), e INT,
                    f DECIMAL(10, 1), g DECIMAL(10, 0), h DECIMAL(10, 0), i DECIMAL(10, 2)) WITH ('connector' = 'print');
INSERT INTO shown SELECT id, amount * 2, amount * 0.908, amount / 3, amount + 1, CAST(amount AS INT),
                         CAST(amount AS DECIMAL(10, 1)), FLOOR(amount), CEIL(amount), -amount FROM orders;
