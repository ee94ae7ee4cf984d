-- own: Flink looks at a table's options only when it is used
CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = '/tmp', 'format' = 'csv', 'csv.feld-delimiter' = ';');
CREATE TABLE u (a INT) WITH ('connector' = 'filesytem');
SET 'parallelism.defualt' = '2';
