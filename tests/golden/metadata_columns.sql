-- arguments: --format csv
CREATE TABLE trades (
  whole STRING METADATA FROM 'file.path', ts TIMESTAMP(3), `file.name` STRING METADATA VIRTUAL, k STRING, v INT,
  len INT METADATA FROM 'file.size', p DECIMAL(10, 2), id INT, changed TIMESTAMP_LTZ(3) METADATA FROM 'file.modification-time' VIRTUAL,
  twice AS len * 2, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
DESCRIBE trades;
SHOW COLUMNS FROM trades LIKE 'f%';
SELECT `file.name`, k, len, id, twice, whole LIKE '/%/trades.csv', changed > TO_TIMESTAMP_LTZ(0, 3) FROM trades WHERE id < 4;
SELECT `file.name`, len FROM trades WHERE len > 1000 AND id = 7;
SELECT window_end, `file.name`, COUNT(*), MAX(len) FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, `file.name`;
CREATE TABLE same LIKE trades;
SELECT DISTINCT `file.name`, window_start, window_end FROM TABLE(TUMBLE(TABLE same, DESCRIPTOR(ts), INTERVAL '1' MINUTE));
CREATE TABLE bare (part STRING METADATA FROM 'file.name') LIKE trades (EXCLUDING METADATA EXCLUDING GENERATED);
SELECT * FROM bare WHERE id = 1;
