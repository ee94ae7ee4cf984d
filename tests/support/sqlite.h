/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests that compare generated queries with sqlite3 on the same rows: the rows are written to a csv file for the engine and to a
 * table `t` of sqlite, and sqlite's answer comes as lines. Include it in one .c file.
 */
#ifndef TR_TESTS_SUPPORT_SQLITE_H
#define TR_TESTS_SUPPORT_SQLITE_H

#include <sqlite3.h>
#include <unistd.h>

#include "differential.h"

#define QUERY_MAX 16384

static struct {
	sqlite3 *db;
	FILE *file;
	char path[128];   /* of the csv file */
	char insert[512]; /* the row that is being written */
} twin;

static inline void twin_execute(const char *sql)
{
	assert_int_equal(sqlite3_exec(twin.db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/** `name` is part of the file's name; `create` makes the table. */
static inline void twin_begin(const char *name, const char *create)
{
	snprintf(twin.path, sizeof(twin.path), "/tmp/tailrace_%s_%d.csv", name, (int)getpid());
	twin.file = fopen(twin.path, "w");
	assert_non_null(twin.file);
	assert_int_equal(sqlite3_open(":memory:", &twin.db), SQLITE_OK);
	twin_execute(create);
	twin_execute("BEGIN");
}

/** The next value of a row, as csv and as SQL between quotes; text NULL: NULL. */
static inline void twin_put(const char *text, const char *quote)
{
	const bool is_first = twin.insert[0] == '\0';

	fprintf(twin.file, "%s%s", is_first ? "" : ",", text != NULL ? text : "");
	strcat(twin.insert, is_first ? "INSERT INTO t VALUES (" : ", ");
	strcat(twin.insert, text != NULL ? quote : "");
	strcat(twin.insert, text != NULL ? text : "NULL");
	strcat(twin.insert, text != NULL ? quote : "");
}

static inline void twin_end_row(void)
{
	fprintf(twin.file, "\n");
	strcat(twin.insert, ")");
	twin_execute(twin.insert);
	twin.insert[0] = '\0';
}

/** The rows are complete. */
static inline void twin_end(void)
{
	assert_int_equal(fclose(twin.file), 0);
	twin_execute("COMMIT");
}

static inline void twin_close(void)
{
	sqlite3_close(twin.db);
	(void)unlink(twin.path);
}

/** Appends to a query of QUERY_MAX. */
static inline void put(char *out, const char *text)
{
	TR_ASSERT(strlen(out) + strlen(text) + 1 < QUERY_MAX);
	strcat(out, text);
}

/** sqlite's answer, at most `rows_max` lines, sorted bytewise unless it is ordered. */
static inline struct expected twin_ask(const char *query, bool is_ordered, size_t rows_max)
{
	struct expected want = {.script = query, .lines = calloc(rows_max, sizeof(*want.lines))};
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(twin.db, query, -1, &statement, NULL) != SQLITE_OK) {
		print_error("sqlite: %s\n%s\n", sqlite3_errmsg(twin.db), query);
		fail();
	}
	while (sqlite3_step(statement) == SQLITE_ROW) {
		struct tr_bytes line = {0};

		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const char *text = (const char *)sqlite3_column_text(statement, i);

			tr_bytes_append(&line, "|", i > 0);
			tr_bytes_append(&line, text != NULL ? text : "NULL", strlen(text != NULL ? text : "NULL"));
		}
		tr_bytes_append(&line, "", 1);
		assert_true(want.count < rows_max);
		want.lines[want.count++] = line.data;
	}
	assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
	if (!is_ordered)
		qsort(want.lines, want.count, sizeof(*want.lines), run_compare_lines);
	return want;
}

#endif
