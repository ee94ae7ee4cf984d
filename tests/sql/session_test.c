/* SPDX-License-Identifier: Apache-2.0
 *
 * sql/session.c and the binder: what a script becomes, and what is said when it is wrong. Plans are compared as text;
 * the nodes' own wording is core's (core/plan_text.c).
 */
#include "sql/bind.h"
#include "support/run_sql.h"
#include "tr_test.h"

static struct tr_arena arena;

static struct tr_session *compile(const char *script, const char *parallelism)
{
	static struct tr_config config;
	struct tr_session_options options = {.file = "t.sql",
					     .config = &config,
					     .core_count = 2,
					     .machine_time_zone = "UTC",
					     .job_name = "t",
					     .job_id_seed = {1, 1},
					     .collect = &run_connector};

	tr_config_init(&config, &arena);
	assert_int_equal(tr_config_set(&config, "parallelism.default", parallelism, TR_ORIGIN_COMMAND, NULL, NULL),
			 TR_OK);
	return tr_session_compile(&options, script, strlen(script));
}

#define TABLES                                                                                             \
	"CREATE TABLE t (a BIGINT, b STRING, r ROW<x INT, y ROW<z STRING>>, ts TIMESTAMP(3), c AS a * 2, " \
	"pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) "                                 \
	"WITH ('connector' = 'filesystem', 'path' = '/x', 'format' = 'json');\n"                           \
	"CREATE TABLE s (a BIGINT, b STRING) WITH ('connector' = 'blackhole');\n"

/* The first error of a script: "E0202 3:8 message". */
static void expect_error(const char *script, const char *expected)
{
	struct tr_session *session = compile(script, "1");
	const struct tr_diag *diag = &session->diags.items[0];
	char got[1024] = "no error";

	if (session->diags.error_count > 0)
		snprintf(got, sizeof(got), "%s %u:%u %s", diag->code, diag->place.line, diag->place.column,
			 diag->message);
	assert_int_equal(session->step_count, session->diags.error_count > 0 ? 0 : session->step_count);
	assert_string_equal(got, expected);
	tr_session_destroy(&session);
}

static void test_errors(void **state)
{
	expect_error("SELECT x FROM t;", "E0201 1:15 no table or view 't'");
	expect_error("CREATE TABLE x (a INT) WITH ('connector' = 'nope');\nSELECT b FROM x;\nINSERT INTO x SELECT 1;",
		     "E0401 1:44 no connector 'nope'");
	expect_error(TABLES "SELECT a FROM TABLE(TUMBL(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND));",
		     "E0204 3:21 no table function is named TUMBL");
	expect_error(TABLES "SELECT x FROM t;", "E0202 3:8 no column 'x' here");
	expect_error(TABLES "SELECT t.r.y.q FROM t;", "E0202 3:14 no field 'q' in ROW<`z` STRING>");
	expect_error(TABLES "SELECT a.b FROM t;", "E0301 3:10 'b' is asked of BIGINT, which has no fields");
	expect_error(TABLES "SELECT a FROM t WHERE a;", "E0301 3:23 WHERE needs a BOOLEAN, this is BIGINT");
	expect_error(TABLES "INSERT INTO s SELECT a FROM t;", "E0304 3:13 the query has 1 column, table 's' takes 2");
	expect_error(TABLES "INSERT INTO s SELECT b, a FROM t;",
		     "E0304 3:22 column 'a' of 's' is BIGINT, column 1 of the query, b, is STRING");
	expect_error(TABLES "INSERT INTO t SELECT a FROM s;",
		     "E0402 3:29 table 's' can't be read: connector 'blackhole' is a sink only");
	expect_error(TABLES "CREATE TABLE t (a INT) WITH ('connector' = 'blackhole');",
		     "E0205 3:14 there is a table or view 't' already");
	expect_error("CREATE TABLE x (a INT) WITH ('connector' = 'blackhol');", "E0401 1:44 no connector 'blackhol'");
	expect_error("CREATE TABLE x (a INT);", "E0401 1:14 table 'x' needs the option 'connector'");
	expect_error("CREATE TABLE x (a INT, WATERMARK FOR a AS a) WITH ('connector' = 'blackhole');",
		     "E0501 1:38 event time must be TIMESTAMP(3) or TIMESTAMP_LTZ(3), 'a' is INT");
	expect_error("SET 'parallelism.defalt' = '1';",
		     "E0403 1:5 unknown configuration key 'parallelism.defalt'; did you mean 'parallelism.default'?");
	expect_error(TABLES "SELECT CAST('x' AS BIGINT) + a FROM t;",
		     "E0302 3:8 can't cast 'x' to BIGINT: not in the form of that type in CAST('x' AS BIGINT)");
	expect_error(
		TABLES "SELECT REGEXP(b, '(') FROM t WHERE REGEXP(b, '[');",
		"E0302 3:36 the pattern of REGEXP, '[', is no regular expression: missing terminating ] for character "
		"class at character 2");
	expect_error(TABLES "SELECT CAST(r AS ROW<x DATE, y ROW<z STRING>>) FROM t;",
		     "E0301 3:8 ROW<`x` INT, `y` ROW<`z` STRING>> can't be cast to ROW<`x` DATE, `y` "
		     "ROW<`z` STRING>>");
	expect_error("CREATE TABLE x (a INT) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', "
		     "'csv.quote-character' = '');",
		     "E0401 1:90 table 'x': option 'csv.quote-character' must be one ASCII character, not ''");
	expect_error(TABLES "SELECT a FROM t UNION SELECT a FROM t;",
		     "E0901 3:17 not supported yet: UNION without ALL in streaming mode");
	expect_error(TABLES "SELECT COUNT(*) FROM t;",
		     "E0901 3:8 not supported yet: aggregation without a window in streaming mode");
	expect_error(TABLES "SELECT a FROM t WHERE COUNT(*) > 1;",
		     "E0303 3:23 an aggregate can't stand in WHERE: 'COUNT'");
}

#define WINDOWED(select, function, group) TABLES "SELECT " select " FROM TABLE(" function ") GROUP BY " group ";"

static void test_window_errors(void **state)
{
	expect_error(WINDOWED("COUNT(*)", "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)", "window_start"),
		     "E0502 3:82 a window is aggregated by GROUP BY window_start, window_end");
	expect_error(WINDOWED("a, COUNT(*)", "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)",
			      "window_start, window_end"),
		     "E0303 3:8 'a' is neither in GROUP BY nor inside an aggregate");
	expect_error(
		WINDOWED("COUNT(*)", "TUMBLE(TABLE t, DESCRIPTOR(a), INTERVAL '1' SECOND)", "window_start, window_end"),
		"E0501 3:55 'a' is BIGINT, but not a time attribute");
	expect_error(WINDOWED("COUNT(*)", "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '5' SECOND)",
			      "window_start, window_end"),
		     "E0502 3:100 the size (5000 ms) must be a multiple of the slide (2000 ms)");
	expect_error(WINDOWED("COUNT(*)", "TUMBLE(TABLE t, DESCRIPTOR(ts))", "window_start, window_end"),
		     "E0502 3:28 TUMBLE needs its argument SIZE");
}

/* A table that could not be made is not missed again at each use. */
static void test_broken_table_is_reported_once(void **state)
{
	struct tr_session *session = compile("CREATE TABLE x (a INT) WITH ('connector' = 'nope');\nSELECT b FROM x;\n"
					     "CREATE VIEW v AS SELECT b FROM x;\nSELECT c FROM v;\nDESCRIBE x;\n",
					     "1");

	assert_int_equal(session->diags.error_count, 1);
	tr_session_destroy(&session);
}

/* All errors of a script, not only the first. */
static void test_all_errors(void **state)
{
	struct tr_session *session = compile("SELECT 1 FROM x;\nSELECT FROM;\nSELECT y;\n", "1");

	assert_int_equal(session->diags.error_count, 3);
	assert_int_equal(session->step_count, 0);
	tr_session_destroy(&session);
}

static void test_unbounded(void **state)
{
	struct tr_session *session = compile("CREATE TABLE n (event_type INT) WITH ('connector' = 'nexmark');\n"
					     "CREATE TABLE s (a INT) WITH ('connector' = 'blackhole');\n"
					     "EXECUTE STATEMENT SET BEGIN\nINSERT INTO s SELECT event_type FROM n;\n"
					     "INSERT INTO s SELECT event_type + 1 FROM n;\nEND;\nSELECT 1;\n",
					     "2");

	assert_int_equal(session->diags.error_count, 1);
	assert_string_equal(session->diags.items[0].code, TR_E_UNBOUNDED);
	assert_non_null(strstr(session->diags.items[0].hint, "EXECUTE STATEMENT SET"));
	tr_session_destroy(&session);
}

/* What doubles with each level is refused before it has grown. */
static void test_doubling(void **state)
{
	char script[8192] = "CREATE TABLE t (a INT, c0 AS a + 1";
	size_t length = strlen(script);

	for (int i = 1; i < 60; i++)
		length += (size_t)snprintf(script + length, sizeof(script) - length, ", c%d AS c%d + c%d", i, i - 1,
					   i - 1);
	snprintf(script + length, sizeof(script) - length, ") WITH ('connector' = 'datagen');");
	expect_error(script,
		     "E0103 1:206 the expression of 'c12', with the columns that it names, has more than 10000 parts");
	length = (size_t)snprintf(script, sizeof(script), "CREATE VIEW v0 AS SELECT 1 AS a;\n");
	for (int i = 1; i < 40; i++)
		length += (size_t)snprintf(script + length, sizeof(script) - length,
					   "CREATE VIEW v%d AS SELECT a FROM v%d UNION ALL SELECT a FROM v%d;\n", i,
					   i - 1, i - 1);
	snprintf(script + length, sizeof(script) - length, "SELECT a FROM v39;");
	expect_error(
		script,
		"E0103 1:19 the statement has more than 4000 queries, with each view and each query of WITH counted as "
		"often as it is read");
}

/* The plan of the only job, without the tree before and the stages behind it. */
static void expect_plan(const char *script, const char *parallelism, const char *expected)
{
	struct tr_session *session = compile(script, parallelism);
	char got[4096], *stages;
	const char *plan;

	if (session->diags.error_count > 0)
		print_error("%s", tr_diags_render(&session->diags, false, &session->arena));
	assert_int_equal(session->step_count, 1);
	plan = strstr(tr_session_explain(session, &session->steps[0], false), "== Optimized Execution Plan");
	assert_non_null(plan);
	snprintf(got, sizeof(got), "%s", plan);
	stages = strstr(got, "\n== Stages");
	if (stages != NULL)
		*stages = '\0';
	assert_string_equal(got, expected);
	tr_session_destroy(&session);
}

static void test_plans(void **state)
{
	expect_plan(TABLES "INSERT INTO s SELECT a, 'x' || b FROM (SELECT a, b, c FROM t WHERE c > 4) WHERE a < 9;",
		    "1",
		    "== Optimized Execution Plan ==\n"
		    "Sink(table=[s], fields=[a, b])\n"
		    "+- Project(select=[a, ('x' || b) AS b], where=[(((a * 2) > 4) AND (a < 9))])\n"
		    "   +- Scan(table=[t], fields=[a, b], decoded=[a, b, ts], "
		    "watermark=[ts: (ts - +0 00:00:05.000:INTERVAL SECOND(3))])\n");
	expect_plan(TABLES "SELECT r.y.z FROM t;", "2",
		    "== Optimized Execution Plan ==\n"
		    "Sink(table=[result], fields=[z])\n"
		    "+- Exchange(distribution=[single])\n"
		    "   +- Project(select=[r.y.z AS z])\n"
		    "      +- Scan(table=[t], fields=[r], decoded=[r, ts], "
		    "watermark=[ts: (ts - +0 00:00:05.000:INTERVAL SECOND(3))])\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),     cmocka_unit_test(test_window_errors),
		cmocka_unit_test(test_all_errors), cmocka_unit_test(test_broken_table_is_reported_once),
		cmocka_unit_test(test_unbounded),  cmocka_unit_test(test_plans),
		cmocka_unit_test(test_doubling),
	};
	int failed;

	tr_arena_init(&arena, 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	tr_arena_deinit(&arena);
	return failed;
}
