/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions have the shape that Calcite's precedences give them, and what is written out says the same when it is
 * read again.
 */
#include "sql_test.h"

#include "sql/unparse.h"

static const char *shape_of(struct parsed *p, const char *sql, bool has_all_parens)
{
	parse(p, sql);
	if (p->diags.error_count > 0)
		fail_msg("%s\n%s", sql, tr_diags_render(&p->diags, false, &p->arena));
	return tr_unparse_statement(p->script->statements[0], has_all_parens, &p->arena);
}

static void assert_shape(const char *expr, const char *expected)
{
	struct parsed p;
	char sql[1024], full[1024];

	snprintf(sql, sizeof(sql), "SELECT %s", expr);
	snprintf(full, sizeof(full), "SELECT %s", expected);
	assert_string_equal(shape_of(&p, sql, true), full);
	done(&p);
}

static void assert_round_trip(const char *sql)
{
	struct parsed p, q;
	const char *shape = shape_of(&p, sql, true);
	const char *once = tr_unparse_statement(p.script->statements[0], false, &p.arena);

	assert_string_equal(shape_of(&q, once, true), shape);
	assert_string_equal(tr_unparse_statement(q.script->statements[0], false, &q.arena), once);
	done(&q);
	assert_string_equal(shape_of(&q, shape, true), shape);
	done(&q);
	done(&p);
}

static void test_precedence(void **state)
{
	assert_shape("1 + 2 * 3 - 4", "(1 + (2 * 3)) - 4");
	assert_shape("a || b + c || d", "(a || b) + (c || d)");
	assert_shape("a OR b AND NOT c = d", "a OR (b AND (NOT (c = d)))");
	assert_shape("a AND b AND c OR d OR e", "(a AND b AND c) OR d OR e");
	assert_shape("NOT a IS NULL", "NOT (a IS NULL)");
	assert_shape("a = b IS TRUE", "(a = b) IS TRUE");
	assert_shape("a + 1 BETWEEN b - 1 AND c * 2 AND d", "((a + 1) BETWEEN (b - 1) AND (c * 2)) AND d");
	assert_shape("a NOT IN (1, 2) AND b LIKE 'x' ESCAPE '!'", "(a NOT IN (1, 2)) AND (b LIKE 'x' ESCAPE '!')");
	assert_shape("- a * b", "(- a) * b");
	assert_shape("- - 1", "- (- 1)");
	assert_shape("a IS NOT DISTINCT FROM b + 1", "a IS NOT DISTINCT FROM (b + 1)");
	assert_shape("a < b = c", "(a < b) = c");
	assert_shape("ts - INTERVAL '5' SECOND > x", "(ts - INTERVAL '5' SECOND) > x");
	assert_shape("a[1 + 2].b.c", "a[1 + 2].b.c");
	assert_shape("f(x).y", "(f(x)).y");
	assert_shape("x IN (SELECT 1)", "x IN (SELECT 1)");
	assert_shape("a >= ALL (SELECT 1)", "a >= ALL (SELECT 1)");
	assert_shape("a % 2 = 0", "(a % 2) = 0");
	assert_shape("a = ANY (1, 2)", "a IN (1, 2)");
	assert_shape("a < ALL (1, 2)", "(a < 1) AND (a < 2)");
}

static void test_special_forms(void **state)
{
	assert_shape("extract(day from ts)", "EXTRACT(DAY FROM ts)");
	assert_shape("(a - b) day to second", "(a - b) DAY TO SECOND");
	assert_shape("CAST(a AS INTERVAL day to minute), unknown", "CAST(a AS INTERVAL DAY TO MINUTE), UNKNOWN");
	assert_shape("FLOOR(ts TO hour), CEIL(x)", "FLOOR(ts TO HOUR), CEIL(x)");
	assert_shape("timestampadd(MINUTE, 5, ts)", "TIMESTAMPADD(MINUTE, 5, ts)");
	assert_shape("SUBSTRING(s, 2, 3), SUBSTRING(s FROM 2)", "SUBSTRING(s FROM 2 FOR 3), SUBSTRING(s FROM 2)");
	assert_shape("TRIM(s), TRIM(LEADING 'x' FROM s)", "TRIM(BOTH ' ' FROM s), TRIM(LEADING 'x' FROM s)");
	assert_shape("POSITION(a IN s), OVERLAY(s PLACING r FROM 1 FOR 2)",
		     "POSITION(a IN s), OVERLAY(s PLACING r FROM 1 FOR 2)");
	assert_shape("CASE a WHEN 1 THEN 'x' ELSE 'y' END, CASE WHEN a THEN b END",
		     "CASE a WHEN 1 THEN 'x' ELSE 'y' END, CASE WHEN a THEN b END");
	assert_shape("CAST(a AS DECIMAL(10, 2)), try_cast(b AS ARRAY<INT NOT NULL>)",
		     "CAST(a AS DECIMAL(10, 2)), TRY_CAST(b AS ARRAY<INT NOT NULL>)");
	assert_shape("CAST(a AS INT ARRAY), CAST(b AS TIMESTAMP(3) WITH LOCAL TIME ZONE)",
		     "CAST(a AS ARRAY<INT>), CAST(b AS TIMESTAMP_LTZ(3))");
	assert_shape("CAST(a AS ROW(x INT, y MAP<STRING, BYTES>))", "CAST(a AS ROW<x INT, y MAP<STRING, BYTES>>)");
	assert_shape("DATE '2026-01-01', TIME '10:00:00', INTERVAL -'1-2' YEAR(4) TO MONTH",
		     "DATE '2026-01-01', TIME '10:00:00', INTERVAL -'1-2' YEAR(4) TO MONTH");
	assert_shape("U&'\\0041!' , X'0aFF', E'a\\tb', 1.5, .5, 1e3", "'A!', X'0AFF', U&'a\\0009b', 1.5, .5, 1e3");
	assert_shape(
		"count(*), count(distinct a) filter (where b > 1), listagg(a, ',') within group (order by b desc)",
		"COUNT(*), COUNT(DISTINCT a) FILTER (WHERE b > 1), listagg(a, ',') WITHIN GROUP ( ORDER BY b DESC)");
	assert_shape("current_timestamp, localtime, (a, b), ROW(1), ARRAY[1, 2], MAP['a', 1], EXISTS (SELECT 1)",
		     "CURRENT_TIMESTAMP, LOCALTIME, (a, b), ROW(1), ARRAY[1, 2], MAP['a', 1], EXISTS (SELECT 1)");
	assert_shape("`a``b`, `select`, t.`x y`", "`a``b`, `select`, t.`x y`");
}

static void test_round_trip(void **state)
{
	static const char *const statements[] = {
		"SELECT JSON_VALUE(a, '$.b' RETURNING INT NULL ON EMPTY), JSON_OBJECT(KEY 'a' VALUE 1 NULL ON NULL)",
		"SELECT a - (b - c), (a = b) = (c = d), NOT (a AND b) OR (c OR d), (a IS NULL) = b, a IN (1) = TRUE",
		"SELECT (a AND b) AND c, (1 BETWEEN 2 AND 3) BETWEEN 4 AND 5, - (a + b), (NOT a) IS NULL",
		"SELECT * FROM TABLE(HOP(DATA => TABLE t PARTITION BY a, b, TIMECOL => DESCRIPTOR(ts), SIZE => "
		"INTERVAL "
		"'1' HOUR)) AS h(x, y)",
		"SELECT SUM(a) OVER (w ROWS BETWEEN 2 PRECEDING AND UNBOUNDED FOLLOWING), LAG(b) IGNORE NULLS OVER w "
		"FROM t "
		"WINDOW w AS (PARTITION BY a ORDER BY b NULLS FIRST)",
		"SELECT * FROM a, (b JOIN c ON b.x = c.x) JOIN (d CROSS JOIN e) USING (x), LATERAL TABLE(f(y)) AS t(z)",
		"SELECT * FROM (a JOIN b ON TRUE) AS j, t TABLESAMPLE BERNOULLI (10), UNNEST(x) WITH ORDINALITY AS u",
		"SELECT 1 UNION (SELECT 2 UNION ALL SELECT 3) INTERSECT (SELECT 4 ORDER BY 1 LIMIT 2) ORDER BY 1 "
		"OFFSET 3",
		"(SELECT 1 INTERSECT SELECT 2) EXCEPT (SELECT 3 EXCEPT SELECT 4)",
		"WITH a (x) AS (VALUES (1), (2)) SELECT x, COUNT(*) FROM a GROUP BY GROUPING SETS ((x), ()), ROLLUP "
		"(x, (x, y)) "
		"HAVING x > 1 QUALIFY ROW_NUMBER() OVER (ORDER BY x) = 1",
		"CREATE TABLE t (a INT NOT NULL COMMENT 'x', b AS a + 1, c STRING METADATA FROM 'k' VIRTUAL, WATERMARK "
		"FOR ts "
		"AS ts - INTERVAL '1' SECOND, CONSTRAINT p PRIMARY KEY (a) NOT ENFORCED) COMMENT 'it''s' DISTRIBUTED "
		"BY HASH "
		"(a) INTO 4 BUCKETS PARTITIONED BY (a) WITH ('a' = 'b', 'c' = '$${x}') LIKE s (EXCLUDING ALL)",
		"CREATE OR REPLACE TEMPORARY VIEW v (a, b) COMMENT 'c' AS SELECT 1, 2",
		"EXPLAIN CHANGELOG_MODE INSERT OVERWRITE t PARTITION (a = 1 + 2, b) (c) SELECT /*+ H('a' = 'b'), K(x) "
		"*/ 1 ON "
		"CONFLICT DO ERROR",
		"BEGIN STATEMENT SET; INSERT INTO a VALUES (1, DEFAULT); INSERT INTO b TABLE c; END",
		"SHOW TABLES FROM a.b NOT LIKE 'x'",
		"DROP TEMPORARY SYSTEM FUNCTION IF EXISTS f",
		"USE MODULES a, b",
		"DESCRIBE JOB 'x'",
		"CREATE TEMPORARY SYSTEM FUNCTION IF NOT EXISTS f AS 'a.B' LANGUAGE JAVA USING JAR 'a.jar', ARTIFACT "
		"'b'",
		"CREATE FUNCTION d.f AS 'f' LANGUAGE C USING LIBRARY 'lib/f.so'",
		"ALTER FUNCTION IF EXISTS f AS 'g' LANGUAGE C USING LIBRARY 'f.so'",
		"SET 'a' = 'b'",
		"RESET",
		"SHOW CREATE TABLE t",
		"STOP JOB 'x'",
		"SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A B+) DEFINE A AS TRUE) AS m",
		"SELECT * FROM t /*+ OPTIONS('a' = 'b') */ FOR SYSTEM_TIME AS OF o.ts + INTERVAL '1' DAY AS x",
	};

	for (uint32_t i = 0; i < TR_COUNT_OF(statements); i++)
		assert_round_trip(statements[i]);
	assert_round_trip("SELECT `extract`(a, b), `COUNT`(DISTINCT x), `KEY`, t.`value`.`order`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_special_forms),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
