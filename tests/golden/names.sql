CREATE TABLE orders (id INT, customer STRING, amount DECIMAL(10, 2), quantity INT, rate DOUBLE)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders5.csv', 'format' = 'csv');
SELECT default_catalog.default_database.orders.id, default_database.orders.customer, orders.id, id
FROM default_catalog.default_database.orders WHERE id = 1;
SELECT id, id AS id0, customer, id, id FROM orders WHERE id = 1;
SELECT o.id FROM orders AS o WHERE o.id = 3;
WITH orders AS (SELECT 'shadow' AS id), b AS (WITH orders AS (SELECT 5 AS z) SELECT z FROM orders) SELECT id FROM orders UNION ALL SELECT CAST(z AS STRING) FROM b;
SELECT U&'\263A', e'a\x41\u00e9\\', N'x', 'it''s', `EXPR$0` FROM (SELECT id + 1 FROM orders WHERE id = 3) -- a comment
/* another */ AS t;
