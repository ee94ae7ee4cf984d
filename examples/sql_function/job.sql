-- Tags of orders, by the hour: how many orders have one, what they cost on average by piece, and who bought last.
CREATE FUNCTION with_tax AS 'with_tax' LANGUAGE C USING LIBRARY 'functions.so';
CREATE FUNCTION mask AS 'mask' LANGUAGE C USING LIBRARY 'functions.so';
CREATE FUNCTION tags AS 'tags' LANGUAGE C USING LIBRARY 'functions.so';
CREATE FUNCTION weighted_mean AS 'weighted_mean' LANGUAGE C USING LIBRARY 'functions.so';

CREATE TABLE orders (
  id BIGINT, customer STRING, note STRING, cents BIGINT, pieces BIGINT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '${DATA:-examples/sql_function}/orders.csv', 'format' = 'csv');

CREATE VIEW tagged AS
  SELECT id, mask(customer) AS customer, cents, pieces, ts, COALESCE(tag, '(none)') AS tag
  FROM orders LEFT JOIN LATERAL TABLE(tags(note)) AS t (tag, place) ON TRUE;

CREATE TABLE report (
  `hour` TIMESTAMP(3), tag STRING, orders BIGINT, mean DOUBLE, dearest BIGINT, last_customer STRING
) WITH ('connector' = 'print');

INSERT INTO report
SELECT window_start, tag, COUNT(DISTINCT id), weighted_mean(cents, pieces), MAX(with_tax(cents)), LAST_VALUE(customer)
FROM TABLE(TUMBLE(TABLE tagged, DESCRIPTOR(ts), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, tag;
