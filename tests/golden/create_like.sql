-- once
-- ordered
CREATE TABLE trades (
  ts TIMESTAMP(3), k STRING, v INT, twice AS v * 2, pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
CREATE TABLE same LIKE trades;
DESCRIBE same;
CREATE TABLE more (x AS v + 1, WATERMARK FOR ts AS ts) LIKE trades (EXCLUDING WATERMARKS);
DESCRIBE more;
CREATE TABLE other (twice AS v * 20) LIKE more (OVERWRITING GENERATED);
DESCRIBE other;
CREATE TABLE shown WITH ('connector' = 'print') LIKE trades (EXCLUDING ALL);
DESCRIBE shown;
CREATE TABLE plain (z BIGINT) WITH ('connector' = 'print') LIKE trades (EXCLUDING OPTIONS EXCLUDING GENERATED);
DESCRIBE plain;
CREATE TABLE late (WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) WITH ('path' = '${DATA}/none.csv')
LIKE trades (OVERWRITING WATERMARKS OVERWRITING OPTIONS);
DESCRIBE late;
CREATE TABLE keyed (a INT, b STRING, PRIMARY KEY (a) NOT ENFORCED) PARTITIONED BY (b) WITH ('connector' = 'filesystem', 'path' = '${OUT}/keyed', 'format' = 'csv');
CREATE TABLE keyed_too (c INT) LIKE keyed;
DESCRIBE keyed_too;
CREATE TABLE other_key (c INT, PRIMARY KEY (c) NOT ENFORCED) LIKE keyed (EXCLUDING CONSTRAINTS);
DESCRIBE other_key;
