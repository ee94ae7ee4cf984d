-- Values that no cast has made as long as their types say: a source does not look.
CREATE TABLE s (a VARCHAR(3), c CHAR(5), b VARBINARY(2), f BINARY(3), r ROW<x VARCHAR(2)>, l ARRAY<CHAR(4)>)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/lengths.jsonl', 'format' = 'json');
CREATE TABLE p (a VARCHAR(3), c CHAR(5), b VARBINARY(2), f BINARY(3), r ROW<x VARCHAR(2)>, l ARRAY<CHAR(4)>)
WITH ('connector' = 'print');
INSERT INTO p SELECT * FROM s;
SET 'table.exec.sink.type-length-enforcer' = 'TRIM_PAD';
INSERT INTO p SELECT * FROM s;
SET 'table.exec.sink.type-length-enforcer' = 'ERROR';
INSERT INTO p SELECT * FROM s WHERE a IS NULL;
