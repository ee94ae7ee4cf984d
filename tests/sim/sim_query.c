/* SPDX-License-Identifier: Apache-2.0
 *
 * A query is one of
 *
 *     aggregation   SELECT span, keys, aggregates FROM window GROUP BY span, keys | sets [HAVING]
 *     cascade       an aggregation of one by window_time
 *     ranks         the first rows of each window, of the input or of an aggregation
 *
 * Orders are total, but where rows of one file may rank as they came.
 */
#include "sim/sim_query.h"

#include "base/check.h"
#include "sim/sim_environment.h"

#define KEYS 3

static const char *const key_names[KEYS] = {"k", "g", "v"};

/** Which keys a query groups by. */
struct keys {
	bool has[KEYS];
	uint32_t count;
};

static const char *const aggregates[] = {
	"COUNT(*)",
	"COUNT(v)",
	"SUM(v)",
	"SUM(d)",
	"AVG(d)",
	"MIN(d)",
	"MAX(k)",
	"MAX(v)",
	"COUNT(DISTINCT k)",
	"COUNT(DISTINCT v)",
	"SUM(DISTINCT g)",
	"COUNT(DISTINCT v) FILTER (WHERE d > 0)",
	"SUM(v) FILTER (WHERE g > 0)",
	"COUNT(*) FILTER (WHERE k IS NULL)",
	"VAR_POP(v)",
	"PERCENTILE(v, 0.5)",
	"FIRST_VALUE(k)",
	"LAST_VALUE(d)",
	"LISTAGG(k)",
	"LISTAGG(DISTINCT k)",
	"CARDINALITY(ARRAY_AGG(v))",
	"JSON_ARRAYAGG(g)",
};

static struct keys draw_keys(uint64_t *random)
{
	struct keys keys = {.count = 0};

	for (uint32_t i = 0; i < KEYS; i++) {
		keys.has[i] = tr_sim_chance(random, 400);
		keys.count += keys.has[i];
	}
	return keys;
}

/** "a, b", the first one behind `before`. */
static void put_keys(struct tr_bytes *out, const struct keys *keys, const char *before)
{
	for (uint32_t i = 0; i < KEYS; i++) {
		if (keys->has[i])
			tr_bytes_printf(out, "%s%s", before, key_names[i]);
		if (keys->has[i])
			before = ", ";
	}
}

/** The window's table function; sessions are by `keys`, and there are none if that is NULL. */
static void put_window(struct tr_bytes *out, const char *table, const struct keys *keys, uint64_t *random)
{
	const uint32_t slide = 1 + tr_sim_below(random, 9), times = 1 + tr_sim_below(random, 4);
	const uint32_t offset = tr_sim_chance(random, 200) ? tr_sim_below(random, slide) : 0;
	const uint32_t kind = tr_sim_below(random, keys != NULL ? 4 : 3);

	switch (kind) {
	case 0:
		tr_bytes_printf(out, "TABLE(TUMBLE(TABLE %s, DESCRIPTOR(ts), INTERVAL '%u' SECOND", table,
				slide * times);
		break;
	case 1:
		tr_bytes_printf(out, "TABLE(HOP(TABLE %s, DESCRIPTOR(ts), INTERVAL '%u' SECOND, INTERVAL '%u' SECOND",
				table, slide, slide * times);
		break;
	case 2:
		tr_bytes_printf(out,
				"TABLE(CUMULATE(TABLE %s, DESCRIPTOR(ts), INTERVAL '%u' SECOND, INTERVAL '%u' SECOND",
				table, slide, slide * times);
		break;
	default:
		tr_bytes_printf(out, "TABLE(SESSION(TABLE %s", table);
		put_keys(out, keys, " PARTITION BY ");
		tr_bytes_printf(out, ", DESCRIPTOR(ts), INTERVAL '%u' SECOND", slide);
	}
	if (kind < 3 && offset > 0)
		tr_bytes_printf(out, ", INTERVAL '%u' SECOND", offset);
	tr_bytes_append_str(out, "))");
}

/** Columns a0, a1, .. */
static void put_aggregates(struct tr_bytes *out, uint64_t *random)
{
	const uint32_t count = 1 + tr_sim_below(random, 4);

	for (uint32_t i = 0; i < count; i++)
		tr_bytes_printf(out, ", %s AS a%u", aggregates[tr_sim_below(random, TR_COUNT_OF(aggregates))], i);
}

static void put_where(struct tr_bytes *out, uint64_t *random)
{
	static const char *const conditions[] = {
		"", "", "", " WHERE v > 0", " WHERE MOD(v, 3) <> 0", " WHERE k IS NOT NULL", " WHERE d < 100 OR g = 1"};

	tr_bytes_append_str(out, conditions[tr_sim_below(random, TR_COUNT_OF(conditions))]);
}

/** SELECT window_start, window_end, window_time, keys, aggregates .. */
static void put_aggregation(struct tr_bytes *out, char table, const struct keys *keys, uint64_t *random)
{
	const char name[2] = {table, '\0'};
	const uint32_t sets = keys->count > 1 ? tr_sim_below(random, 6) : 5;

	tr_bytes_append_str(out, "SELECT window_start, window_end, window_time AS wt");
	put_keys(out, keys, ", ");
	if (sets < 2)
		put_keys(out, keys, ", GROUPING_ID(");
	if (sets < 2)
		tr_bytes_append_str(out, ") AS sets");
	put_aggregates(out, random);
	tr_bytes_append_str(out, " FROM ");
	put_window(out, name, sets < 2 ? NULL : keys, random);
	put_where(out, random);
	tr_bytes_append_str(out, " GROUP BY window_start, window_end, window_time");
	put_keys(out, keys, sets == 0 ? ", ROLLUP (" : sets == 1 ? ", CUBE (" : ", ");
	if (sets < 2)
		tr_bytes_append_char(out, ')');
	if (tr_sim_chance(random, 150))
		tr_bytes_append_str(out, " HAVING COUNT(*) > 1");
}

/** The first rows of each window by an order. */
static void put_ranked(struct tr_bytes *out, const char *from, const char *columns, const char *order, uint64_t *random)
{
	const uint32_t most = tr_sim_chance(random, 400) ? 1 : 1 + tr_sim_below(random, 5);

	tr_bytes_printf(
		out,
		"SELECT %s%s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end%s ORDER BY %s) "
		"AS rn FROM %s) WHERE rn <= %u",
		columns, tr_sim_chance(random, 500) && most > 1 ? ", rn" : "", tr_sim_chance(random, 500) ? ", k" : "",
		order, from, most);
}

void tr_sim_query(struct tr_bytes *script, char table, uint64_t *random)
{
	static const char head[] =
		"CREATE TABLE s WITH ('connector' = 'filesystem', 'path' = '/out/s', 'format' = 'csv', "
		"'sink.rolling-policy.file-size' = '${ROLL}') AS ";
	const uint32_t kind = tr_sim_below(random, 10);
	struct keys keys = draw_keys(random);

	if (kind < 6) {
		tr_bytes_append_str(script, head);
		put_aggregation(script, table, &keys, random);
	} else if (kind < 7) {
		tr_bytes_append_str(script, "CREATE VIEW q AS ");
		keys.has[0] = true;
		put_aggregation(script, table, &keys, random);
		tr_bytes_printf(script,
				";\nCREATE VIEW p AS SELECT k, a0, wt FROM q;\n%sSELECT window_start, window_end, k, "
				"COUNT(*), MIN(a0) FROM TABLE(TUMBLE(TABLE p, "
				"DESCRIPTOR(wt), INTERVAL '%u' SECOND)) GROUP BY window_start, window_end, k",
				head, 10 + tr_sim_below(random, 30));
	} else if (kind < 8) {
		tr_bytes_append_str(script, "CREATE VIEW q AS ");
		keys = (struct keys){.has = {true}, .count = 1};
		put_aggregation(script, table, &keys, random);
		tr_bytes_printf(script, ";\n%s", head);
		put_ranked(script, "q", "window_start, window_end, k, a0", "a0 DESC, k", random);
	} else {
		tr_bytes_append_str(script, "CREATE VIEW q AS SELECT * FROM ");
		put_window(script, (const char[2]){table, '\0'}, NULL, random);
		put_where(script, random);
		tr_bytes_printf(script, ";\n%s", head);
		put_ranked(script, "q", "window_start, window_end, k, g, v, d, ts",
			   tr_sim_chance(random, 500) ? "ts DESC" : "v, d, g, ts, k", random);
	}
	tr_bytes_append_str(script, ";\n");
}
