CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
-- INSERT casts decimals, texts and timestamps of other precisions unasked.
CREATE TABLE shown (a DECIMAL(6, 1), b VARCHAR(2), c TIMESTAMP(0), d DECIMAL(8, 3), e BIGINT) WITH ('connector' = 'print');
INSERT INTO shown SELECT amount, customer, ts, price, id FROM orders WHERE id IN (1, 4);
