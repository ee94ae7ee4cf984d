/* SPDX-License-Identifier: Apache-2.0
 *
 * The optimizer, rule by rule: the plan before it (the tree that the binder made) and after it, as EXPLAIN prints both. One
 * subtask, so that nothing but the optimizer stands between the two. Both are cut below the sink.
 */
#include "support/run_sql.h"
#include "tr_test.h"

#define TABLES                                                                                               \
	"CREATE TABLE t (a BIGINT, b STRING, r ROW<x INT, y INT>, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) " \
	"WITH ('connector' = 'filesystem', 'path' = '/x', 'format' = 'json');\n"                             \
	"EXPLAIN "
#define SCAN_PLAN(fields, decoded) "Scan(table=[t], fields=[" fields "], decoded=[" decoded "], watermark=[ts: ts])"
#define DEEP_LEVELS 30
#define SCAN_TREE "Scan(table=[t], fields=[a, b, r, ts], watermark=[ts: ts])"

static struct tr_arena arena;

/* The lines of a section below its first one (the sink), one after the other with " <- " between them. */
static const char *section(const char *text, const char *title)
{
	const char *at = strstr(text, title), *end;
	char out[4096] = "";

	assert_non_null(at);
	at = strchr(strchr(at, '\n') + 1, '\n') + 1;
	end = strstr(at, "\n\n") != NULL ? strstr(at, "\n\n") + 1 : at + strlen(at);
	while (at < end) {
		const size_t length = strcspn(at, "\n"), skipped = strspn(at, " +-");

		snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%.*s", out[0] != '\0' ? " <- " : "",
			 (int)(length - skipped), at + skipped);
		at += length + 1;
	}
	return tr_arena_strdup(&arena, out);
}

/* The session of a script without errors. */
static struct tr_session *compiled(const char *script)
{
	static struct tr_config config;
	const struct tr_session_options options = {.file = "t.sql",
						   .config = &config,
						   .core_count = 1,
						   .machine_time_zone = "UTC",
						   .job_name = "t",
						   .job_id_seed = {1, 1},
						   .collect = &run_connector};
	struct tr_session *session;

	tr_config_init(&config, &arena);
	session = tr_session_compile(&options, script, strlen(script));
	if (session->diags.error_count > 0)
		fail_msg("%s", tr_diags_render(&session->diags, false, &arena));
	return session;
}

static void check(const char *query, const char *before, const char *after)
{
	char script[4096];
	struct tr_session *session;

	snprintf(script, sizeof(script), TABLES "%s;", query);
	session = compiled(script);
	assert_string_equal(
		section(tr_session_explain(session, &session->steps[0], false), "== Abstract Syntax Tree =="), before);
	assert_string_equal(
		section(tr_session_explain(session, &session->steps[0], false), "== Optimized Execution Plan =="),
		after);
	tr_session_destroy(&session);
}

/* Every table begins with a projection of its columns. */
#define ALL "Project(select=[a, b, r, ts]) <- " SCAN_TREE

static void test_constants_fold(void **state)
{
	check("SELECT a + (2 * 3) AS n FROM t",
	      "Project(select=[n]) <- Project(select=[(a + CAST((2 * 3) AS BIGINT)) AS n]) <- " ALL,
	      "Project(select=[(a + 6) AS n]) <- " SCAN_PLAN("a", "a, ts"));
}

static void test_filters_sink(void **state)
{
	/* Below a projection, whose expressions take the columns' places; two become one. */
	check("SELECT n FROM (SELECT a + 1 AS n, b FROM t WHERE b = 'x') WHERE n > 5",
	      "Project(select=[n]) <- Project(select=[n]) <- Filter(where=[(n > CAST(5 AS BIGINT))]) <- "
	      "Project(select=[(a + CAST(1 AS BIGINT)) AS n, b]) <- Filter(where=[(b = 'x')]) <- " ALL,
	      "Project(select=[(a + 1) AS n], where=[((b = 'x') AND ((a + 1) > 5))]) <- " SCAN_PLAN("a, b",
												    "a, b, ts"));
	check("SELECT a FROM t WHERE 1 < 2",
	      "Project(select=[a]) <- Project(select=[a]) <- Filter(where=[(1 < 2)]) <- " ALL, SCAN_PLAN("a", "a, ts"));
	/* Not below what is another value each time. */
	check("SELECT n FROM (SELECT RAND() AS n FROM t) WHERE n > 0.5e0",
	      "Project(select=[n]) <- Project(select=[n]) <- Filter(where=[(n > 0.5)]) <- Project(select=[RAND() AS "
	      "n]) <- " ALL,
	      "Filter(where=[(n > 0.5)]) <- Project(select=[RAND() AS n]) <- " SCAN_PLAN("", "ts"));
}

static void test_filters_go_into_unions(void **state)
{
	check("SELECT a FROM (SELECT a FROM t UNION ALL SELECT a + 1 FROM t) WHERE a > 5",
	      "Project(select=[a]) <- Project(select=[a]) <- Filter(where=[(a > CAST(5 AS BIGINT))]) <- "
	      "Union(fields=[a]) <- "
	      "Project(select=[a]) <- Project(select=[a]) <- " ALL
	      " <- Project(select=[EXPR$0 AS a]) <- Project(select=[(a + CAST(1 AS BIGINT)) AS EXPR$0]) <- " ALL,
	      "Union(fields=[a]) <- Exchange(distribution=[forward]) <- Filter(where=[(a > 5)]) <- " SCAN_PLAN(
		      "a", "a, ts") "(reuse_id=[1]) <- Exchange(distribution=[forward]) <- Project(select=[(a + 1) AS "
				    "a], where=[((a + 1) > 5)]) <- Reused(reference_id=[1])");
}

#define COUNTS "WindowAggregate(phase=[single], groupBy=[b], window=[TUMBLE(size=[1 s])], select=[COUNT(*)])"

static void test_filters_go_below_aggregates(void **state)
{
	/* By keys: before; by sums: behind. */
	check("SELECT b, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) "
	      "GROUP BY b, window_start, window_end HAVING COUNT(*) > 3 AND b = 'x'",
	      "Project(select=[b, n]) <- Project(select=[b, COUNT(*) AS n]) <- "
	      "Filter(where=[((COUNT(*) > CAST(3 AS BIGINT)) AND (b = 'x'))]) <- " COUNTS
	      " <- Project(select=[b, ts]) <- " ALL,
	      "Project(select=[b, COUNT(*) AS n], where=[(COUNT(*) > 3)]) <- " COUNTS
	      " <- Filter(where=[(b = 'x')]) <- " SCAN_PLAN("b, ts", "b, ts"));
}

static void test_projections_merge(void **state)
{
	check("SELECT n * 2 AS m FROM (SELECT a + 1 AS n FROM t)",
	      "Project(select=[m]) <- Project(select=[(n * CAST(2 AS BIGINT)) AS m]) <- "
	      "Project(select=[(a + CAST(1 AS BIGINT)) AS n]) <- " ALL,
	      "Project(select=[((a + 1) * 2) AS m]) <- " SCAN_PLAN("a", "a, ts"));
	check("SELECT n * 2 AS m FROM (SELECT RAND() AS n FROM t)",
	      "Project(select=[m]) <- Project(select=[(n * CAST(2 AS DOUBLE)) AS m]) <- Project(select=[RAND() AS n]) "
	      "<- " ALL,
	      "Project(select=[(n * 2.0) AS m]) <- Project(select=[RAND() AS n]) <- " SCAN_PLAN("", "ts"));
}

/* Each column is read twice, so that each level would double the expression: only some levels become one. */
static void check_deep(const char *level_end)
{
	char query[4096];
	struct tr_session *session;
	const char *plan;
	uint32_t projections = 0;

	strcpy(query, TABLES);
	for (uint32_t i = 0; i < DEEP_LEVELS; i++)
		strcat(query, "SELECT a + a AS a FROM (");
	strcat(query, "SELECT a FROM t");
	for (uint32_t i = 0; i < DEEP_LEVELS; i++)
		strcat(query, level_end);
	strcat(query, ";");
	session = compiled(query);
	plan = strstr(tr_session_explain(session, &session->steps[0], false), "== Optimized Execution Plan ==");
	for (const char *at = plan; (at = strstr(at, "Project(select=")) != NULL; at++)
		projections++;
	assert_true(projections >= 2 && projections < DEEP_LEVELS);
	tr_session_destroy(&session);
}

static void test_deep_expressions_stay_apart(void **state)
{
	check_deep(")");
	check_deep(") WHERE a > 0");
}

static void test_columns_are_dropped(void **state)
{
	/* Down to what the format decodes; ts is decoded for the watermark. */
	check("SELECT r.y FROM (SELECT b, r, a + 1 AS n FROM t)",
	      "Project(select=[y]) <- Project(select=[r.y AS y]) <- Project(select=[b, r, (a + CAST(1 AS BIGINT)) AS "
	      "n]) <- " ALL,
	      "Project(select=[r.y AS y]) <- " SCAN_PLAN("r", "r, ts"));
}

/* The plan of a statement set, without the first lines of its text; `options` are statements before it. */
static void check_set(const char *options, const char *inserts, const char *after)
{
	char script[8192];
	struct tr_session *session;
	const char *plan;

	snprintf(script, sizeof(script),
		 "%s%.*s"
		 "CREATE TABLE x (a BIGINT) WITH ('connector' = 'blackhole');\n"
		 "CREATE TABLE y (b STRING) WITH ('connector' = 'blackhole');\n"
		 "CREATE VIEW v AS SELECT b, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' "
		 "SECOND)) GROUP BY b, window_start, window_end;\n"
		 "EXPLAIN STATEMENT SET BEGIN\n%s\nEND;",
		 options, (int)(sizeof(TABLES) - sizeof("EXPLAIN ")), TABLES, inserts);
	session = compiled(script);
	plan = strstr(tr_session_explain(session, &session->steps[0], false), "== Optimized Execution Plan ==\n");
	assert_non_null(plan);
	plan = strchr(plan, '\n') + 1;
	assert_string_equal(tr_arena_strndup(&arena, plan, (size_t)(strstr(plan, "\n== Stages") - plan)), after);
	tr_session_destroy(&session);
}

#define X "Sink(table=[x], fields=[a])\n"
#define Y "Sink(table=[y], fields=[b])\n"

/* Readers of one table: it is read once, with all their columns; filters stay each reader's. */
static void test_scans_are_shared(void **state)
{
	check_set("", "INSERT INTO x SELECT a FROM t WHERE a > 5; INSERT INTO y SELECT b FROM t;",
		  X "+- Project(select=[a], where=[(a > 5)])\n"
		    "   +- " SCAN_PLAN("a, b", "a, b, ts") "(reuse_id=[1])\n" Y "+- Project(select=[b])\n"
							   "   +- Reused(reference_id=[1])\n");
	/* Fields of a row that one of them reads. */
	check_set("", "INSERT INTO x SELECT r.x FROM t; INSERT INTO y SELECT b FROM t WHERE r.y = 1;",
		  X "+- Project(select=[CAST(r.x AS BIGINT) AS a])\n"
		    "   +- " SCAN_PLAN("b, r", "b, r, ts") "(reuse_id=[1])\n" Y
							   "+- Project(select=[b], where=[(r.y = 1)])\n"
							   "   +- Reused(reference_id=[1])\n");
	/* Options differ: two tables. */
	check_set("", "INSERT INTO x SELECT a FROM t; INSERT INTO x SELECT a FROM t /*+ OPTIONS('path' = '/other') */;",
		  X "+- " SCAN_PLAN("a", "a, ts") "\n" X "+- " SCAN_PLAN("a", "a, ts") "\n");
	check_set("SET 'table.optimizer.reuse-source-enabled' = 'false';\n",
		  "INSERT INTO x SELECT a FROM t; INSERT INTO y SELECT b FROM t;",
		  X "+- " SCAN_PLAN("a", "a, ts") "\n" Y "+- " SCAN_PLAN("b", "b, ts") "\n");
}

#define WINDOW "WindowAggregate(phase=[single], groupBy=[b], window=[TUMBLE(size=[1 s])], select=[COUNT(*)])"
/* What is the same above the scan, too. */
static void test_nodes_are_shared(void **state)
{
	static const char inserts[] = "INSERT INTO x SELECT n FROM v; INSERT INTO y SELECT b FROM v WHERE n > 2;";
	static const char shared[] =
		X "+- Project(select=[COUNT(*) AS a])\n"
		  "   +- " WINDOW "(reuse_id=[1])\n"
		  "      +- " SCAN_PLAN("b, ts", "b, ts") "\n" Y "+- Project(select=[b], where=[(COUNT(*) > 2)])\n"
							  "   +- Reused(reference_id=[1])\n";

	check_set("", inserts, shared);
	/* The scan alone may not be shared, but as a part of the window it is. */
	check_set("SET 'table.optimizer.reuse-source-enabled' = 'false';\n", inserts, shared);
	check_set("SET 'table.optimizer.reuse-sub-plan-enabled' = 'false';\n", inserts,
		  X "+- Project(select=[COUNT(*) AS a])\n"
		    "   +- " WINDOW "\n"
		    "      +- " SCAN_PLAN("b, ts", "b, ts") "\n" Y "+- Project(select=[b], where=[(COUNT(*) > 2)])\n"
							    "   +- " WINDOW "\n"
							    "      +- " SCAN_PLAN("b, ts", "b, ts") "\n");
	/* A volatile function is each reader's own. */
	check_set("", "INSERT INTO y SELECT UUID() FROM t; INSERT INTO y SELECT UUID() FROM t;",
		  Y "+- Project(select=[EXPR$0 AS b])\n"
		    "   +- Project(select=[UUID() AS EXPR$0])\n"
		    "      +- " SCAN_PLAN("", "ts") "(reuse_id=[1])\n" Y "+- Project(select=[EXPR$0 AS b])\n"
						    "   +- Project(select=[UUID() AS EXPR$0])\n"
						    "      +- Reused(reference_id=[1])\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constants_fold),
		cmocka_unit_test(test_filters_sink),
		cmocka_unit_test(test_filters_go_into_unions),
		cmocka_unit_test(test_filters_go_below_aggregates),
		cmocka_unit_test(test_projections_merge),
		cmocka_unit_test(test_columns_are_dropped),
		cmocka_unit_test(test_scans_are_shared),
		cmocka_unit_test(test_nodes_are_shared),
		cmocka_unit_test(test_deep_expressions_stay_apart),
	};
	int failed;

	tr_arena_init(&arena, 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	tr_arena_deinit(&arena);
	return failed;
}
