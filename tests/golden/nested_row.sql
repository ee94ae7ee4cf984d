-- arguments: --format csv
CREATE TABLE people (id INT, u ROW<name STRING, address ROW<city STRING, zip INT>>, tags ARRAY<STRING>)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/people.jsonl', 'format' = 'json');
SELECT p.id, p.u.name, p.u.address.city, u.address.zip + 1, p.u IS NULL FROM people AS p;
