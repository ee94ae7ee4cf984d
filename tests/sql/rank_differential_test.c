/* SPDX-License-Identifier: Apache-2.0
 *
 * Window Top-N and deduplication where rows are equal in what they are ordered by: generated queries against sqlite3, which is given
 * the number of each row in the file and orders by it in the end; with 1, 2, 3 and 8 workers, batches of 1, 7 and 2,048 rows, and
 * in batch mode. Windows tumble or hop over the rows of a file; between lie filters,
 * UNION ALL with a part that has no rows, and another rank. In batch mode also over all rows, without windows.
 */
#include "support/sqlite.h"

#define ROWS 1200

/* Times with few values, out of order by up to 7 seconds; keys and values with few, too. */
static void make_data(void)
{
	static const char *const keys[] = {"a", "b", "a longer key than most"};

	twin_begin("rank", "CREATE TABLE t (s INTEGER, k TEXT, v INTEGER, id INTEGER, pos INTEGER)");
	for (int i = 0; i < ROWS; i++) {
		const int back = (int)draw(8);
		char s[16], v[16], id[16], pos[16];

		snprintf(s, sizeof(s), "%d", TR_MAX(i / 12 - back, 0));
		snprintf(v, sizeof(v), "%d", (int)draw(4));
		snprintf(id, sizeof(id), "%d", (int)draw(100000));
		snprintf(pos, sizeof(pos), "%d", i);
		twin_put(s, "");
		twin_put(draw(6) == 0 ? NULL : keys[draw(TR_COUNT_OF(keys))], "'");
		twin_put(draw(8) == 0 ? NULL : v, "");
		twin_put(id, "");
		twin_put(pos, "");
		twin_end_row();
	}
	twin_end();
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
	const size_t order = draw(TR_COUNT_OF(orders)), where = draw(TR_COUNT_OF(wheres));
	const bool is_hopping = draw(3) == 0, is_by_key = draw(3) != 0;
	const bool is_twice = draw(4) == 0, is_union = draw(4) == 0;
	const uint32_t from = 1 + (draw(4) == 0), to = from + draw(2) * draw(9);
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

/* The same for all rows of the table, by any keys or none, with numbers that are bounded or not. */
static void make_plain_query(char *ours, char *theirs)
{
	static const char *const orders[] = {"s", "v DESC", "v DESC NULLS LAST", "id", "s / 3, v", "k, v DESC"};
	static const char *const keys[] = {"", "PARTITION BY k ", "PARTITION BY k, v ", "PARTITION BY id % 7 "};
	static const char *const conditions[] = {"", " WHERE rn <= 3", " WHERE rn > 1 AND k = 'a'", " WHERE rn = 2",
						 " WHERE id > 30000"};
	const char *key = keys[draw(TR_COUNT_OF(keys))], *order = orders[draw(TR_COUNT_OF(orders))];
	const char *condition = conditions[draw(TR_COUNT_OF(conditions))];

	snprintf(ours, QUERY_MAX,
		 "SELECT s, k, v, id, rn FROM (SELECT *, ROW_NUMBER() OVER (%sORDER BY %s) AS rn FROM t)%s", key, order,
		 condition);
	snprintf(theirs, QUERY_MAX,
		 "SELECT s, k, v, id, rn FROM (SELECT *, ROW_NUMBER() OVER (%sORDER BY %s, pos) AS rn FROM t)%s", key,
		 order, condition);
}

static void compare(uint64_t cases, const char *const *modes, void (*make)(char *ours, char *theirs))
{
	const uint64_t seed = tr_test_number("TAILRACE_TEST_SEED", 1);

	random_state = seed * 991;
	make_data();
	for (int number = 0; number < (int)cases; number++) {
		char ours[QUERY_MAX], theirs[QUERY_MAX], script[QUERY_MAX + 1024];
		struct expected want;

		make(ours, theirs);
		snprintf(
			script, sizeof(script),
			"CREATE TABLE t (s INT, k STRING, v INT, id INT, pos INT, ts AS TIMESTAMPADD(SECOND, s, "
			"TIMESTAMP "
			"'2026-05-01 00:00:00.000'), WATERMARK FOR ts AS ts - INTERVAL '9' SECOND) WITH ('connector' = "
			"'filesystem', 'path' = '%s', 'format' = 'csv', 'csv.null-literal' = '', 'source.chunk-size' = "
			"'3kb');\n"
			"CREATE VIEW u AS SELECT * FROM t WHERE id >= 0 UNION ALL SELECT * FROM t WHERE id < 0;\n%s;",
			twin.path, ours);
		want = twin_ask(theirs, false, 2 * ROWS + 1);
		want.script = script;
		want.seed = seed;
		want.number = number;
		expected_check(&want, script, "execution.runtime-mode", modes);
		expected_free(&want);
	}
	twin_close();
}

static void equal_rows_are_numbered_as_they_come(void **state)
{
	static const char *const modes[] = {"streaming", "streaming", "streaming", "batch"};

	compare(tr_test_cases(200), modes, make_query);
}

static void rows_without_windows_are_numbered_in_batch_mode(void **state)
{
	static const char *const modes[] = {"batch", "batch", "batch", "batch"};

	compare(tr_test_cases(40), modes, make_plain_query);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(equal_rows_are_numbered_as_they_come),
					   cmocka_unit_test(rows_without_windows_are_numbered_in_batch_mode)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
