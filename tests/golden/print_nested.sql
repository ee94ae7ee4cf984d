CREATE TABLE people (id INT, u ROW<name STRING, address ROW<city STRING, zip INT>>, tags ARRAY<STRING>)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/people.jsonl', 'format' = 'json');
CREATE TABLE shown (id INT, u ROW<name STRING, address ROW<city STRING, zip INT>>, tags ARRAY<STRING>)
WITH ('connector' = 'print');
INSERT INTO shown SELECT id, u, tags FROM people;
