-- files: p
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE single (id INT) WITH ('connector' = 'print', 'print-identifier' = 'one', 'sink.parallelism' = '1');
CREATE TABLE four (id INT) WITH ('connector' = 'print', 'print-identifier' = 'four', 'sink.parallelism' = '4');
CREATE TABLE p (id INT) WITH ('connector' = 'filesystem', 'path' = '${OUT}/p', 'format' = 'csv', 'sink.parallelism' = '2');
EXECUTE STATEMENT SET BEGIN
  INSERT INTO single SELECT id FROM orders;
  INSERT INTO four SELECT id FROM orders WHERE id > 2;
  INSERT INTO p SELECT id FROM orders WHERE id < 3;
END;
