-- What the expressions may refer to: one row, columns named by type. Where local time matters it is New York's.
SET 'table.local-time-zone' = 'America/New_York';
CREATE TABLE inputs (
  bool_true BOOLEAN, bool_false BOOLEAN, bool_null BOOLEAN,
  i8 TINYINT, i8_max TINYINT, i8_min TINYINT, i16 SMALLINT, i16_max SMALLINT, i32 INT, i32_max INT, i32_min INT, i32_null INT,
  i64 BIGINT, i64_max BIGINT, i64_min BIGINT, i64_null BIGINT, zero INT,
  f32 FLOAT, f32_tenth FLOAT, f32_big FLOAT, f64 DOUBLE, f64_tenth DOUBLE, f64_negative DOUBLE, f64_big DOUBLE, f64_small DOUBLE,
  f64_null DOUBLE,
  dec_5_0 DECIMAL(5, 0), dec_10_2 DECIMAL(10, 2), dec_negative DECIMAL(10, 2), dec_20_10 DECIMAL(20, 10),
  dec_38_0 DECIMAL(38, 0), dec_38_18 DECIMAL(38, 18), dec_null DECIMAL(10, 2),
  s STRING, s_empty STRING, s_padded STRING, s_number STRING, s_decimal STRING, s_words STRING, s_unicode STRING, s_date STRING,
  s_time STRING, s_timestamp STRING, s_null STRING, c5 CHAR(5), v3 VARCHAR(3), bin BYTES,
  d DATE, d_old DATE, d_null DATE, t TIME, ts0 TIMESTAMP(0), ts3 TIMESTAMP(3), ts6 TIMESTAMP(6), ts9 TIMESTAMP(9),
  ts_null TIMESTAMP(3), tz3 TIMESTAMP_LTZ(3), tz6 TIMESTAMP_LTZ(6),
  list ARRAY<INT>, list_null ARRAY<INT>, texts ARRAY<STRING>, named MAP<STRING, INT>, pair ROW<a INT, b STRING>
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/inputs.jsonl', 'format' = 'json');
