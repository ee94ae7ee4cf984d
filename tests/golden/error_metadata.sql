CREATE TABLE a (x INT, p STRING METADATA FROM 'file.nme') WITH ('connector' = 'filesystem', 'path' = '/data', 'format' = 'csv');
CREATE TABLE b (x INT, `timestamp` BIGINT METADATA VIRTUAL) WITH ('connector' = 'datagen');
CREATE TABLE c (x INT, p DATE METADATA FROM 'file.size') WITH ('connector' = 'filesystem', 'path' = '/data', 'format' = 'csv');
CREATE TABLE d (x INT, p STRING METADATA FROM 'file.name') WITH ('connector' = 'filesystem', 'path' = '/data', 'format' = 'csv');
INSERT INTO d SELECT 1;
