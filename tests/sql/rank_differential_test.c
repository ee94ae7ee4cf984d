/* SPDX-License-Identifier: Apache-2.0
 *
 * Window Top-N and deduplication where rows are equal in what they are ordered by: generated queries against sqlite3, which is given
 * the number of each row in the file and orders by it in the end; with 1, 2, 3 and 8 workers, batches of 1, 7 and 2,048 rows, and
 * in batch mode. Windows tumble or hop over the rows of a file; between lie filters,
 * UNION ALL with a part that has no rows, and another rank.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <unistd.h>
#include <sqlite3.h>

#include "support/run_sql.h"
#include "tr_test.h"

#define ROWS 1200
#define QUERY_MAX 4096

static uint64_t seed;
static char data_path[128];
static sqlite3 *db;

static void execute(const char *sql) { assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK); }

/* Times with few values, out of order by up to 7 seconds; keys and values with few, too. */
static void make_data(void)
{
	FILE *file;

	snprintf(data_path, sizeof(data_path), "/tmp/tailrace_rank_%d.csv", (int)getpid());
	file = fopen(data_path, "w");
	assert_non_null(file);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	execute("CREATE TABLE t (s INTEGER, k TEXT, v INTEGER, id INTEGER, pos INTEGER); BEGIN");
	for (int i = 0; i < ROWS; i++) {
		const int back = (int)tr_test_below(&seed, 8), s = TR_MAX(i / 12 - back, 0);
		const char *k = tr_test_below(&seed, 6) == 0
					? NULL
					: (const char *[]){"a", "b", "a longer key than most"}[tr_test_below(&seed, 3)];
		const int id = (int)tr_test_below(&seed, 100000);
		char v[16] = "", insert[256];

		if (tr_test_below(&seed, 8) != 0)
			snprintf(v, sizeof(v), "%d", (int)tr_test_below(&seed, 4));
		fprintf(file, "2026-05-01 00:%02d:%02d.000,%s,%s,%d\n", s / 60, s % 60, k != NULL ? k : "", v, id);
		snprintf(insert, sizeof(insert), "INSERT INTO t VALUES (%d, %s%s%s, %s, %d, %d)", s,
			 k != NULL ? "'" : "", k != NULL ? k : "NULL", k != NULL ? "'" : "", v[0] != 0 ? v : "NULL", id,
			 i);
		execute(insert);
	}
	fclose(file);
	execute("COMMIT");
}

/* A query for us, and the same for sqlite. */
static void make_query(char *ours, char *theirs)
{
	static const struct {
		const char *ours, *theirs;
		bool is_latest;
	} orders[] = {{"ts", "s", false},
		      {"ts DESC", "s DESC", true},
		      {"window_time DESC", "e DESC", true},
		      {"v", "v", false},
		      {"v DESC", "v DESC", false},
		      {"v DESC NULLS LAST", "v DESC NULLS LAST", false},
		      {"ts DESC, v", "s DESC, v", false},
		      {"v, ts DESC", "v, s DESC", false},
		      {"k", "k", false}};
	static const struct {
		const char *ours, *theirs;
	} wheres[] = {{"", ""}, {" WHERE id > 30000", " WHERE id > 30000"}, {" WHERE v >= 1", " WHERE v >= 1"}};
	const size_t order = tr_test_below(&seed, TR_COUNT_OF(orders)),
		     where = tr_test_below(&seed, TR_COUNT_OF(wheres));
	const bool is_hopping = tr_test_below(&seed, 3) == 0, is_by_key = tr_test_below(&seed, 3) != 0;
	const bool is_twice = tr_test_below(&seed, 4) == 0, is_union = tr_test_below(&seed, 4) == 0;
	const uint32_t from = 1 + (tr_test_below(&seed, 4) == 0),
		       to = from + tr_test_below(&seed, 2) * tr_test_below(&seed, 9);
	const bool is_latest = orders[order].is_latest && from == 1 && to == 1;
	char windows[512], rows[1024];

	if (is_hopping)
		snprintf(windows, sizeof(windows),
			 "HOP(TABLE %s, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)",
			 is_union ? "u" : "t");
	else
		snprintf(windows, sizeof(windows), "TUMBLE(TABLE %s, DESCRIPTOR(ts), INTERVAL '10' SECOND)",
			 is_union ? "u" : "t");
	snprintf(rows, sizeof(rows), "SELECT *%s FROM TABLE(%s)%s",
		 is_twice ? ", ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY v) AS first" : "",
		 windows, wheres[where].ours);
	snprintf(ours, QUERY_MAX,
		 "SELECT EXTRACT(MINUTE FROM window_end) * 60 + EXTRACT(SECOND FROM window_end), k, v, id, rn FROM "
		 "(SELECT "
		 "*, ROW_NUMBER() OVER (PARTITION BY window_start, window_end%s ORDER BY %s) AS rn FROM (%s)%s) WHERE "
		 "rn "
		 "BETWEEN %u AND %u",
		 is_by_key ? ", k" : "", orders[order].ours, rows, is_twice ? " WHERE first <= 3" : "", from, to);
	snprintf(rows, sizeof(rows), "SELECT *%s FROM (SELECT *, (s / 10 + 1) * 10 AS e FROM t%s)%s",
		 is_twice ? ", ROW_NUMBER() OVER (PARTITION BY e, k ORDER BY v, pos) AS first" : "",
		 is_hopping ? " WHERE 0 UNION ALL SELECT *, (s / 5 + 1) * 5 AS e FROM t UNION ALL SELECT *, (s / 5 + "
			      "2) * 5 AS e FROM t"
			    : "",
		 wheres[where].theirs);
	snprintf(theirs, QUERY_MAX,
		 "SELECT e, k, v, id, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY e%s ORDER BY %s, pos%s) AS rn "
		 "FROM (%s)%s) "
		 "WHERE rn BETWEEN %u AND %u",
		 is_by_key ? ", k" : "", orders[order].theirs, is_latest ? " DESC" : "", rows,
		 is_twice ? " WHERE first <= 3" : "", from, to);
}

static char **ask_sqlite(const char *query, size_t *count)
{
	sqlite3_stmt *statement;
	char **lines = calloc(2 * ROWS + 1, sizeof(*lines));

	*count = 0;
	if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("sqlite: %s\n%s", sqlite3_errmsg(db), query);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		struct tr_bytes line = {0};

		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const char *text = (const char *)sqlite3_column_text(statement, i);

			tr_bytes_append(&line, "|", i > 0);
			tr_bytes_append(&line, text != NULL ? text : "NULL", strlen(text != NULL ? text : "NULL"));
		}
		tr_bytes_append(&line, "", 1);
		lines[(*count)++] = line.data;
	}
	sqlite3_finalize(statement);
	qsort(lines, *count, sizeof(*lines), run_compare_lines);
	return lines;
}

static void compare(const char *query, const char *theirs, const struct run_result *got, char *const *want,
		    size_t count, const char *const *settings, uint64_t number)
{
	size_t i = 0;

	while (got->code == TR_OK && i < got->count && i < count && strcmp(got->lines[i], want[i]) == 0)
		i++;
	if (got->code == TR_OK && i == got->count && i == count)
		return;
	fail_msg("query %" PRIu64
		 ", parallelism %s, batch %s, mode %s\n%s\n%s\n%s%zu rows, expected %zu\nline %zu: got      %s\n"
		 "         expected %s",
		 number, settings[1], settings[3], settings[5], query, theirs, got->code != TR_OK ? got->message : "",
		 got->count, count, i, i < got->count ? got->lines[i] : "-", i < count ? want[i] : "-");
}

static void equal_rows_are_numbered_as_they_come(void **state)
{
	static const char *const parallelisms[] = {"1", "2", "3", "8"};
	static const char *const batches[] = {"2048", "7", "1", "2048"};
	static const char *const modes[] = {"streaming", "streaming", "streaming", "batch"};
	const uint64_t cases = tr_test_cases(200);

	seed = tr_test_number("TAILRACE_TEST_SEED", 1);
	make_data();
	for (uint64_t number = 0; number < cases; number++) {
		char ours[QUERY_MAX], theirs[QUERY_MAX], script[QUERY_MAX + 1024];
		size_t count;
		char **want;

		make_query(ours, theirs);
		want = ask_sqlite(theirs, &count);
		snprintf(script, sizeof(script),
			 "CREATE TABLE t (ts TIMESTAMP(3), k STRING, v INT, id INT, WATERMARK FOR ts AS ts - INTERVAL "
			 "'9' "
			 "SECOND) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv', "
			 "'csv.null-literal' = "
			 "'', 'source.chunk-size' = '3kb');\n"
			 "CREATE VIEW u AS SELECT * FROM t WHERE id >= 0 UNION ALL SELECT * FROM t WHERE id < 0;\n%s;",
			 data_path, ours);
		for (size_t p = 0; p < TR_COUNT_OF(parallelisms); p++) {
			const char *settings[] = {"parallelism.default",
						  parallelisms[p],
						  "engine.batch-rows",
						  batches[p],
						  "execution.runtime-mode",
						  modes[p],
						  NULL};
			struct run_result got = run_sql(script, settings);

			compare(ours, theirs, &got, want, count, settings, number);
			run_free(&got);
		}
		for (size_t i = 0; i < count; i++)
			free(want[i]);
		free(want);
	}
	sqlite3_close(db);
	unlink(data_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(equal_rows_are_numbered_as_they_come)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
