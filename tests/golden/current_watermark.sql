-- The watermark that was in force when a row came: that of the rows before it.
CREATE TABLE t (ts TIMESTAMP(3), k STRING, v INT, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/watermark.jsonl', 'format' = 'json');
SELECT v, CURRENT_WATERMARK(ts) AS w FROM t;
SELECT v FROM t WHERE CURRENT_WATERMARK(ts) IS NULL OR ts > CURRENT_WATERMARK(ts);
