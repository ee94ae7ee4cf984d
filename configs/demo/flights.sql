-- A week of departures at a time: how many flights left each large airport, and how late were they?
-- Run from the top of the repository:  build/release/tailrace run configs/demo/flights.sql

CREATE TABLE flights (
  `date`      STRING,
  delay       INT,
  distance    INT,
  origin      STRING,
  destination STRING,
  departure AS TO_TIMESTAMP(`date`, 'yyyy/MM/dd HH:mm'),
  WATERMARK FOR departure AS departure - INTERVAL '1' HOUR
) WITH (
  'connector' = 'filesystem',
  'path'      = 'data/flights.jsonl',
  'format'    = 'json'
);

SELECT
  CAST(window_start AS DATE)                        AS week_of,
  origin,
  COUNT(*)                                          AS flights,
  COUNT(*) FILTER (WHERE delay >= 15)               AS late,
  CAST(AVG(CAST(delay AS DOUBLE)) AS DECIMAL(5, 1)) AS avg_delay,
  MAX(delay)                                        AS max_delay,
  SUM(distance)                                     AS miles
FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(departure), INTERVAL '7' DAY))
GROUP BY window_start, window_end, origin
HAVING COUNT(*) >= 75;
