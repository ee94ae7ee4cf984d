/* SPDX-License-Identifier: Apache-2.0
 *
 * Generated batch queries against sqlite3 on the same rows: GROUP BY, aggregates with DISTINCT and FILTER, HAVING, SELECT
 * DISTINCT, UNION, ORDER BY with NULLS FIRST and LAST, LIMIT and OFFSET, and these over each other; with 1, 2, 3 and 8 workers,
 * batches of 1, 7 and 2,048 rows, and with memory for little of it. Where a query is ordered, it is by all of its columns in the end,
 * so there is one answer, and it must come in this order.
 */
#include "support/sqlite.h"

#define ROWS 1500

static void make_data(void)
{
	static const char *const words[] = {
		"alpha", "beta", "gamma", "a longer word than twelve", "Zulu", "aa", "a longer word than eleven",
		"x",     "xx"};

	twin_begin("batch", "CREATE TABLE t (a INTEGER, b INTEGER, d REAL, s TEXT, u TEXT)");
	for (int i = 0; i < ROWS; i++) {
		char number[32];

		snprintf(number, sizeof(number), "%d", (int)draw(900) - 300);
		twin_put(draw(7) != 0 ? number : NULL, "");
		snprintf(number, sizeof(number), "%d", (int)draw(9) - 3);
		twin_put(draw(7) != 0 ? number : NULL, "");
		snprintf(number, sizeof(number), "%.2f", ((int)draw(64) - 32) / 4.0);
		twin_put(draw(7) != 0 ? number : NULL, "");
		twin_put(draw(7) != 0 ? words[draw(TR_COUNT_OF(words))] : NULL, "'");
		twin_put(draw(7) != 0 ? words[draw(4)] : NULL, "'");
		twin_end_row();
	}
	twin_end();
}

/* ---- queries: appended to `out` ---- */

static void put_number(char *out, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	put(out, text);
}

static const char *one_of(const char *const *texts, size_t count) { return texts[draw(count)]; }
#define ONE_OF(array) one_of(array, TR_COUNT_OF(array))

static const char *const columns[] = {
	"a", "b", "s", "u", "b + 1", "CASE WHEN s IS NULL THEN 1 ELSE 0 END", "CAST(d * 4 AS BIGINT)"};
static const char *const conditions[] = {"a > 100",   "s IS NOT NULL", "b IN (1, 2, 3)", "u = 'beta' OR a < 0",
					 "a IS NULL", "a > 10000",     "d > 0.5"};
static const char *const aggregates[] = {"COUNT(*)",
					 "COUNT(a)",
					 "SUM(a)",
					 "SUM(b)",
					 "MIN(a)",
					 "MAX(b)",
					 "MIN(s)",
					 "MAX(u)",
					 "COUNT(DISTINCT b)",
					 "COUNT(DISTINCT s)",
					 "SUM(DISTINCT a)",
					 "CAST(MAX(d) * 4 AS BIGINT)",
					 "CAST(SUM(d) * 4 AS BIGINT)",
					 "COUNT(*) FILTER (WHERE b > 0)",
					 "SUM(a) FILTER (WHERE s = 'aa')"};
static const char *const havings[] = {"COUNT(*) > 2", "SUM(a) > 50", "MIN(s) IS NOT NULL", "COUNT(DISTINCT b) > 3"};

static void put_where(char *out)
{
	if (draw(2) == 0)
		return;
	put(out, " WHERE ");
	put(out, ONE_OF(conditions));
}

static void put_source(char *out)
{
	switch (draw(5)) {
	case 0:
		put(out, "(SELECT * FROM t WHERE ");
		put(out, ONE_OF(conditions));
		put(out, " UNION ALL SELECT * FROM t WHERE ");
		put(out, ONE_OF(conditions));
		put(out, ") AS q");
		return;
	case 1: put(out, "(SELECT DISTINCT a, b, d, s, u FROM t) AS q"); return;
	case 2: put(out, "(SELECT * FROM t ORDER BY s DESC, u, a, b, d LIMIT 700 OFFSET 30) AS q"); return;
	default: put(out, "t"); return;
	}
}

/* ORDER BY that leaves nothing open, for `width` columns; false: none. */
static bool put_order(char *out, uint32_t width, bool has_hidden)
{
	static const char *const directions[] = {"", " DESC", " NULLS LAST", " DESC NULLS FIRST", " ASC NULLS FIRST"};

	if (draw(3) == 0)
		return false;
	put(out, " ORDER BY ");
	if (has_hidden && draw(3) == 0) {
		put(out, ONE_OF(columns));
		put(out, ONE_OF(directions));
		put(out, ", ");
	}
	for (uint32_t i = 0, first = (uint32_t)draw(width); i < width; i++) {
		put(out, i > 0 ? ", " : "");
		put_number(out, (first + i) % width + 1);
		put(out, ONE_OF(directions));
	}
	if (draw(2) == 0) {
		put(out, " LIMIT ");
		put_number(out, draw(4) == 0 ? draw(3) : draw(ROWS));
		put(out, draw(2) == 0 ? "" : " OFFSET 7");
	}
	return true;
}

static uint32_t put_list(char *out, const char *const *texts, size_t count, uint32_t width)
{
	for (uint32_t i = 0; i < width; i++) {
		put(out, i > 0 ? ", " : "");
		put(out, one_of(texts, count));
	}
	return width;
}

/* Returns whether the query is ordered. */
static bool put_grouped(char *out)
{
	const uint32_t keys = (uint32_t)draw(4);
	const char *names[4];
	uint32_t width = keys;

	put(out, "SELECT ");
	for (uint32_t i = 0; i < keys; i++) {
		names[i] = ONE_OF(columns);
		put(out, names[i]);
		put(out, ", ");
	}
	width += put_list(out, aggregates, TR_COUNT_OF(aggregates), 1 + (uint32_t)draw(4));
	put(out, " FROM ");
	put_source(out);
	put_where(out);
	for (uint32_t i = 0; i < keys; i++) {
		put(out, i == 0 ? " GROUP BY " : ", ");
		put(out, names[i]);
	}
	if (draw(3) == 0) {
		put(out, " HAVING ");
		put(out, ONE_OF(havings));
	}
	return put_order(out, width, false);
}

static bool put_plain(char *out)
{
	const bool is_distinct = draw(2) == 0;
	uint32_t width;

	put(out, is_distinct ? "SELECT DISTINCT " : "SELECT ");
	width = put_list(out, columns, TR_COUNT_OF(columns), 1 + (uint32_t)draw(4));
	put(out, " FROM ");
	put_source(out);
	put_where(out);
	return put_order(out, width, !is_distinct);
}

static bool put_union(char *out)
{
	put(out, "SELECT b, s FROM t");
	put_where(out);
	put(out, draw(2) == 0 ? " UNION " : " UNION ALL ");
	put(out, "SELECT a, u FROM t");
	put_where(out);
	return put_order(out, 2, false);
}

static bool put_nested(char *out)
{
	put(out, "SELECT COUNT(*), SUM(n), MAX(k) FROM (SELECT s AS k, b, COUNT(*) AS n FROM ");
	put_source(out);
	put_where(out);
	put(out, " GROUP BY s, b) AS q");
	return false;
}

/* Rows that nobody can tell from others: only their number counts. */
static bool put_limited(char *out)
{
	put(out, "SELECT COUNT(*) FROM (SELECT a FROM t LIMIT ");
	put_number(out, draw(2 * ROWS));
	put(out, draw(2) == 0 ? "" : " OFFSET 1400");
	put(out, ") AS q");
	return false;
}

static bool put_query(char *out)
{
	switch (draw(12)) {
	case 0: return put_limited(out);
	case 1:
	case 2: return put_union(out);
	case 3: return put_nested(out);
	case 4:
	case 5:
	case 6:
	case 7: return put_plain(out);
	default: return put_grouped(out);
	}
}

static void test_batch_equals_sqlite(void **state)
{
	static const char *const memories[] = {"0", "64mb", "0", "0"};
	uint64_t seed = tr_test_number("TAILRACE_TEST_SEED", 1);
	uint64_t cases = tr_test_cases(300);

	random_state = seed * 977;
	make_data();
	for (int number = 0; number < (int)cases; number++) {
		char query[QUERY_MAX] = "", script[QUERY_MAX + 512];
		const bool is_ordered = put_query(query);
		struct expected want = twin_ask(query, is_ordered, 4 * ROWS);

		snprintf(script, sizeof(script),
			 "SET 'execution.runtime-mode' = 'batch';"
			 "CREATE TABLE t (a BIGINT, b BIGINT, d DOUBLE, s STRING, u STRING) WITH ('connector' = "
			 "'filesystem', 'path' = '%s', 'format' = 'csv', 'csv.null-literal' = '', 'source.chunk-size' "
			 "= '3kb');\n%s;",
			 twin.path, query);
		want.seed = seed;
		want.number = number;
		run_keeps_order = is_ordered;
		expected_check(&want, script, "state.memory.limit", memories);
		expected_free(&want);
	}
	twin_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_batch_equals_sqlite)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
