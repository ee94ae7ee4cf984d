-- ordered
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT * FROM events ORDER BY ts;
SELECT k AS a_name, COUNT(*) AS n FROM events GROUP BY k ORDER BY n LIMIT 1;
SELECT * FROM events WHERE v > 1000;
SELECT 'a text of more than thirty characters, é' AS a_name_of_more_than_thirty_characters, '東京' AS x;
