-- files: all
CREATE TABLE orders (
  id INT, customer STRING, amount DECIMAL(10, 2), qty INT, price DOUBLE, paid BOOLEAN, d DATE, ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE a (id INT, customer STRING) WITH ('connector' = 'filesystem', 'path' = '${OUT}/all/a', 'format' = 'csv');
CREATE TABLE b (id INT, qty INT) WITH ('connector' = 'filesystem', 'path' = '${OUT}/all/b', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
  INSERT INTO a SELECT id, customer FROM orders WHERE id < 3;
  INSERT INTO b SELECT id, qty FROM orders WHERE id > 2;
END;
