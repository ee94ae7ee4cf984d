-- What Java's patterns have and ours don't is refused by its name, and not read as something else.
-- own: Flink takes them
SELECT REGEXP_EXTRACT('abc', '[a-z&&[^b]c]+');
SELECT DATE_FORMAT(TIMESTAMP '2026-01-01 00:00:00', 'yyyy z');
