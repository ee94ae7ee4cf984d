-- arguments: --format csv
CREATE TABLE events (
  ts TIMESTAMP(3), k STRING, v INT, w DOUBLE, d DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT window_start, JSON_ARRAYAGG(v), JSON_ARRAYAGG(k NULL ON NULL), JSON_ARRAYAGG(d ABSENT ON NULL),
  JSON_ARRAYAGG(JSON_OBJECT('k' VALUE k, 'w' VALUE w)),
  JSON_OBJECTAGG(KEY CONCAT('"', CAST(ts AS STRING)) VALUE v),
  JSON_OBJECTAGG(CAST(ts AS STRING) VALUE d ABSENT ON NULL), JSON_OBJECTAGG(CAST(ts AS STRING) VALUE ARRAY[v, 1])
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
