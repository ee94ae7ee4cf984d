/* SPDX-License-Identifier: Apache-2.0
 *
 * Generated projections and filters against sqlite3 on the same rows, with 1, 2, 3 and 8 workers and batches of 1, 7 and
 * 2,048 rows. Only what both mean alike is generated: 64-bit arithmetic without overflow, comparisons, three-valued
 * logic, CASE, COALESCE, NULLIF, IN, BETWEEN, LIKE (case-sensitive in sqlite by PRAGMA), ASCII string functions.
 */
#include "support/sqlite.h"

#define ROWS 1000

static void make_data(void)
{
	static const char *const words[] = {"alpha", "beta", "gamma", "a longer word than twelve", "Zulu", "aa",
					    "x",     "b_b",  "100%"};

	twin_begin("select", "PRAGMA case_sensitive_like = 1; CREATE TABLE t (a INTEGER, b INTEGER, s TEXT, u TEXT)");
	for (int i = 0; i < ROWS; i++) {
		char a[32] = "", b[32] = "";
		const char *s = draw(7) == 0 ? NULL : words[draw(TR_COUNT_OF(words))];
		const char *u = draw(7) == 0 ? NULL : words[draw(TR_COUNT_OF(words))];

		if (draw(7) != 0)
			sprintf(a, "%d", (int)draw(2000) - 1000);
		if (draw(7) != 0)
			sprintf(b, "%d", (int)draw(20) - 5);
		twin_put(a[0] != '\0' ? a : NULL, "");
		twin_put(b[0] != '\0' ? b : NULL, "");
		twin_put(s, "'");
		twin_put(u, "'");
		twin_end_row();
	}
	twin_end();
}

/* ---- expressions: appended to `out` ---- */

static void put_condition(char *out, int depth);
static void put_text(char *out, int depth);

static void put_number(char *out, int depth)
{
	char literal[32];

	switch (depth <= 0 ? draw(3) : draw(9)) {
	case 0: put(out, "a"); break;
	case 1: put(out, "b"); break;
	case 2:
		sprintf(literal, "%d", (int)draw(30) + 1);
		put(out, literal);
		break;
	case 3:
	case 4:
		put(out, "(");
		put_number(out, depth - 1);
		put(out, draw(3) == 0 ? " - " : draw(2) == 0 ? " + " : " * ");
		put_number(out, 0);
		put(out, ")");
		break;
	case 5:
		put(out, "CASE WHEN ");
		put_condition(out, depth - 1);
		put(out, " THEN ");
		put_number(out, depth - 1);
		if (draw(2) == 0) {
			put(out, " ELSE ");
			put_number(out, depth - 1);
		}
		put(out, " END");
		break;
	case 6:
		put(out, "COALESCE(");
		put_number(out, depth - 1);
		put(out, ", ");
		put_number(out, depth - 1);
		put(out, ")");
		break;
	case 7:
		put(out, "NULLIF(");
		put_number(out, depth - 1);
		put(out, ", ");
		put_number(out, 0);
		put(out, ")");
		break;
	default:
		put(out, "ABS(");
		put_number(out, depth - 1);
		put(out, ")");
		break;
	}
}

static void put_text(char *out, int depth)
{
	switch (depth <= 0 ? draw(3) : draw(7)) {
	case 0: put(out, "s"); break;
	case 1: put(out, "u"); break;
	case 2: put(out, draw(2) == 0 ? "'beta'" : "'a longer word than twelve'"); break;
	case 3:
		put(out, draw(2) == 0 ? "UPPER(" : "LOWER(");
		put_text(out, depth - 1);
		put(out, ")");
		break;
	case 4:
		put(out, "(");
		put_text(out, depth - 1);
		put(out, " || ");
		put_text(out, 0);
		put(out, ")");
		break;
	case 5:
		put(out, "SUBSTR(");
		put_text(out, depth - 1);
		put(out, draw(2) == 0 ? ", 2, 3)" : ", 3)");
		break;
	default:
		put(out, "CASE WHEN ");
		put_condition(out, depth - 1);
		put(out, " THEN ");
		put_text(out, depth - 1);
		put(out, " ELSE ");
		put_text(out, depth - 1);
		put(out, " END");
		break;
	}
}

static void put_condition(char *out, int depth)
{
	static const char *const comparisons[] = {" = ", " <> ", " < ", " > ", " <= ", " >= "};
	static const char *const patterns[] = {"'a%'", "'%a'", "'%et%'", "'b_%'", "'beta'", "'%'", "'_'", "'%a%a%'"};

	switch (depth <= 0 ? draw(5) : draw(10)) {
	case 0:
	case 1:
		put_number(out, 0);
		put(out, comparisons[draw(6)]);
		put_number(out, 0);
		break;
	case 2:
		put_text(out, 0);
		put(out, comparisons[draw(6)]);
		put_text(out, 0);
		break;
	case 3:
		put(out, draw(2) == 0 ? "s" : "b");
		put(out, draw(2) == 0 ? " IS NULL" : " IS NOT NULL");
		break;
	case 4:
		put_text(out, depth - 1);
		put(out, draw(3) == 0 ? " NOT LIKE " : " LIKE ");
		put(out, patterns[draw(TR_COUNT_OF(patterns))]);
		break;
	case 5:
	case 6:
		put(out, "(");
		put_condition(out, depth - 1);
		put(out, draw(2) == 0 ? " AND " : " OR ");
		put_condition(out, depth - 1);
		put(out, ")");
		break;
	case 7:
		put(out, "NOT (");
		put_condition(out, depth - 1);
		put(out, ")");
		break;
	case 8:
		put_number(out, depth - 1);
		put(out, draw(3) == 0 ? " NOT IN (1, 2, 3, 7)" : " IN (b, 2, 5, 9)");
		break;
	default:
		put_number(out, depth - 1);
		put(out, draw(3) == 0 ? " NOT BETWEEN " : " BETWEEN ");
		put_number(out, 0);
		put(out, " AND ");
		put_number(out, 0);
		break;
	}
}

static void test_select_equals_sqlite(void **state)
{
	uint64_t seed = tr_test_number("TAILRACE_TEST_SEED", 1);
	uint64_t cases = tr_test_cases(300);

	random_state = seed * 991;
	make_data();
	for (int number = 0; number < (int)cases; number++) {
		char query[QUERY_MAX] = "SELECT ", script[QUERY_MAX + 512];
		struct expected want;

		put_number(query, 3);
		put(query, ", ");
		put_text(query, 3);
		put(query, ", a, s FROM t WHERE ");
		put_condition(query, 3);
		snprintf(script, sizeof(script),
			 "CREATE TABLE t (a BIGINT, b BIGINT, s STRING, u STRING) WITH ('connector' = 'filesystem', "
			 "'path' = '%s', 'format' = 'csv', 'csv.null-literal' = '', 'source.chunk-size' = '3kb');\n%s;",
			 twin.path, query);
		want = twin_ask(query, false, ROWS);
		want.seed = seed;
		want.number = number;
		expected_check(&want, script, NULL, NULL);
		expected_free(&want);
	}
	twin_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_select_equals_sqlite)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
