/* SPDX-License-Identifier: Apache-2.0
 *
 * Generated projections and filters against sqlite3 on the same rows, with 1, 2, 3 and 8 workers and batches of 1, 7 and
 * 2,048 rows. Only what both mean alike is generated: 64-bit arithmetic without overflow, comparisons, three-valued
 * logic, CASE, COALESCE, NULLIF, IN, BETWEEN, LIKE (case-sensitive in sqlite by PRAGMA), ASCII string functions.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <unistd.h>
#include <sqlite3.h>

#include "support/run_sql.h"
#include "tr_test.h"

#define ROWS 1000
#define TEXT_MAX 2048

static uint64_t random_state;

static uint64_t draw(uint64_t limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (random_state >> 33) % limit;
}

static char data_path[128];
static sqlite3 *db;

static void make_data(void)
{
	static const char *const words[] = {"alpha", "beta", "gamma", "a longer word than twelve", "Zulu", "aa",
					    "x",     "b_b",  "100%"};
	FILE *file;

	snprintf(data_path, sizeof(data_path), "/tmp/tailrace_select_%d.csv", (int)getpid());
	file = fopen(data_path, "w");
	assert_non_null(file);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "PRAGMA case_sensitive_like = 1; CREATE TABLE t (a INTEGER, b INTEGER, s TEXT, "
				      "u TEXT); BEGIN",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	for (int i = 0; i < ROWS; i++) {
		char a[32] = "", b[32] = "", insert[512];
		const char *s = draw(7) == 0 ? NULL : words[draw(TR_COUNT_OF(words))];
		const char *u = draw(7) == 0 ? NULL : words[draw(TR_COUNT_OF(words))];

		if (draw(7) != 0)
			sprintf(a, "%d", (int)draw(2000) - 1000);
		if (draw(7) != 0)
			sprintf(b, "%d", (int)draw(20) - 5);
		fprintf(file, "%s,%s,%s,%s\n", a, b, s != NULL ? s : "", u != NULL ? u : "");
		snprintf(insert, sizeof(insert), "INSERT INTO t VALUES (%s, %s, %s%s%s, %s%s%s)",
			 a[0] != '\0' ? a : "NULL", b[0] != '\0' ? b : "NULL", s != NULL ? "'" : "",
			 s != NULL ? s : "NULL", s != NULL ? "'" : "", u != NULL ? "'" : "", u != NULL ? u : "NULL",
			 u != NULL ? "'" : "");
		assert_int_equal(sqlite3_exec(db, insert, NULL, NULL, NULL), SQLITE_OK);
	}
	fclose(file);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}

/* ---- expressions: appended to `out` ---- */

static void put_condition(char *out, int depth);
static void put_text(char *out, int depth);

static void put(char *out, const char *text)
{
	TR_ASSERT(strlen(out) + strlen(text) + 1 < TEXT_MAX * 8);
	strcat(out, text);
}

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

static char **ask_sqlite(const char *query, size_t *count)
{
	sqlite3_stmt *statement;
	char **lines = calloc(ROWS + 1, sizeof(*lines));

	*count = 0;
	if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) != SQLITE_OK) {
		print_error("sqlite: %s\n%s\n", sqlite3_errmsg(db), query);
		fail();
	}
	while (sqlite3_step(statement) == SQLITE_ROW) {
		struct tr_bytes line = {0};

		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const char *text = (const char *)sqlite3_column_text(statement, i);

			if (i > 0)
				tr_bytes_append(&line, "|", 1);
			if (text == NULL)
				text = "NULL";
			tr_bytes_append(&line, text, strlen(text));
		}
		tr_bytes_append(&line, "", 1);
		lines[(*count)++] = line.data;
	}
	sqlite3_finalize(statement);
	qsort(lines, *count, sizeof(*lines), run_compare_lines);
	return lines;
}

static void compare(const char *query, const struct run_result *got, char *const *want, size_t want_count,
		    const char *const *settings, uint64_t seed, int number)
{
	size_t i = 0;

	while (got->code == TR_OK && i < got->count && i < want_count && strcmp(got->lines[i], want[i]) == 0)
		i++;
	if (got->code == TR_OK && i == got->count && i == want_count)
		return;
	print_error("seed %" PRIu64 ", query %d, parallelism %s, batch %s\n%s\n%s%zu rows, expected %zu\n", seed,
		    number, settings[1], settings[3], query, got->code != TR_OK ? got->message : "", got->count,
		    want_count);
	print_error("line %zu: got      %s\n         expected %s\n", i, i < got->count ? got->lines[i] : "-",
		    i < want_count ? want[i] : "-");
	fail();
}

static void test_select_equals_sqlite(void **state)
{
	static const char *const parallelisms[] = {"1", "2", "3", "8"};
	static const char *const batches[] = {"2048", "7", "1", "2048"};
	uint64_t seed = tr_test_number("TAILRACE_TEST_SEED", 1);
	uint64_t cases = tr_test_cases(300);

	random_state = seed * 991;
	make_data();
	for (int number = 0; number < (int)cases; number++) {
		char query[TEXT_MAX * 8] = "SELECT ", script[TEXT_MAX * 8 + 512];
		char **want;
		size_t want_count;

		put_number(query, 3);
		put(query, ", ");
		put_text(query, 3);
		put(query, ", a, s FROM t WHERE ");
		put_condition(query, 3);
		snprintf(script, sizeof(script),
			 "CREATE TABLE t (a BIGINT, b BIGINT, s STRING, u STRING) WITH ('connector' = 'filesystem', "
			 "'path' = '%s', 'format' = 'csv', 'csv.null-literal' = '', 'source.chunk-size' = '3kb');\n%s;",
			 data_path, query);
		want = ask_sqlite(query, &want_count);
		for (size_t p = 0; p < TR_COUNT_OF(parallelisms); p++) {
			const char *settings[] = {"parallelism.default", parallelisms[p], "engine.batch-rows",
						  batches[p], NULL};
			struct run_result got = run_sql(script, settings);

			compare(query, &got, want, want_count, settings, seed, number);
			run_free(&got);
		}
		for (size_t i = 0; i < want_count; i++)
			free(want[i]);
		free(want);
	}
	sqlite3_close(db);
	unlink(data_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_select_equals_sqlite)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
