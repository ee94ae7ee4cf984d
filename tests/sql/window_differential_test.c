/* SPDX-License-Identifier: Apache-2.0
 *
 * Generated window queries over generated rows, against a naive model that takes one row at a time and shares no code
 * with the engine, with 1, 2, 3 and 8 workers, batches of 1, 7 and 2,048 rows, small chunks, both window operators.
 * Some of the queries read a window column in WHERE, so that the windows are computed as rows and then aggregated as
 * such; some are aggregated again by the windows of their own results.
 */
#include <unistd.h>

#include "support/differential.h"

#define ROWS 3000
#define KEYS_MAX 2
#define AGGS_MAX 5

/* ---- data ---- */

struct row {
	const char *k; /* NULL: NULL */
	bool has_g, has_v, has_d;
	int g;
	int64_t v;
	double d; /* a multiple of 0.25, so that all sums are exact */
	int64_t ts;
};

static struct row rows[ROWS];
static char data_path[128];

static const char *const key_names[] = {"a", "b",  "Zürich", "東京駅前広場", "a longer key than twelve bytes",
					"🚆", "x y"};

static void put_time(char *out, int64_t ms)
{
	int64_t days = ms >= 0 ? ms / 86400000 : -((86399999 - ms) / 86400000);
	int64_t rest = ms - days * 86400000;
	/* 1970-01-01 plus days, by counting: the test's data stays within two years of it */
	int year = 1970, month = 0;
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	while (days < 0) {
		year--;
		days += year % 4 == 0 ? 366 : 365;
	}
	while (days >= (year % 4 == 0 ? 366 : 365)) {
		days -= year % 4 == 0 ? 366 : 365;
		year++;
	}
	while (days >= lengths[month] + (month == 1 && year % 4 == 0)) {
		days -= lengths[month] + (month == 1 && year % 4 == 0);
		month++;
	}
	sprintf(out, "%04d-%02d-%02d %02d:%02d:%02d.%03d", year, month + 1, (int)days + 1, (int)(rest / 3600000),
		(int)(rest / 60000 % 60), (int)(rest / 1000 % 60), (int)(rest % 1000));
}

static void make_data(void)
{
	int64_t now = draw(2) == 0 ? -40000 : (int64_t)draw(1000000000);
	FILE *file;

	snprintf(data_path, sizeof(data_path), "/tmp/tailrace_differential_%d.csv", (int)getpid());
	file = fopen(data_path, "w");
	assert_non_null(file);
	for (int i = 0; i < ROWS; i++) {
		struct row *row = &rows[i];
		char time[64], g[16] = "", v[32] = "", d[32] = "";

		now += (int64_t)draw(60);
		if (draw(200) == 0)
			now += (int64_t)draw(8000); /* gaps, for sessions */
		row->k = draw(10) == 0 ? NULL : key_names[draw(TR_COUNT_OF(key_names))];
		row->has_g = draw(8) != 0;
		row->g = (int)draw(6) - 2;
		row->has_v = draw(8) != 0;
		row->v = (int64_t)draw(2000000) - 1000000;
		row->has_d = draw(8) != 0;
		row->d = (double)((int64_t)draw(8000) - 4000) / 4;
		row->ts = now - (draw(4) == 0 ? (int64_t)draw(draw(4) == 0 ? 6000 : 900) : 0);
		put_time(time, row->ts);
		if (row->has_g)
			sprintf(g, "%d", row->g);
		if (row->has_v)
			sprintf(v, "%" PRId64, row->v);
		if (row->has_d)
			sprintf(d, "%.2f", row->d);
		fprintf(file, "%s,%s,%s,%s,%s\n", row->k != NULL ? row->k : "", g, v, d, time);
	}
	fclose(file);
}

/* ---- queries ---- */

enum window { TUMBLE, HOP, CUMULATE, SESSION };
enum shape {
	PLAIN,
	TABLE,   /* WHERE reads window_start */
	CASCADE, /* GROUP BY window_start, window_end once more */
};
enum agg {
	COUNT_STAR,
	COUNT_V,
	SUM_V,
	MIN_V,
	MAX_V,
	AVG_V,
	SUM_D,
	AVG_D,
	MIN_D,
	MAX_K,
	MIN_K,
	COUNT_DISTINCT_G,
	SUM_DISTINCT_G,
	SUM_V_FILTER,
	COUNT_FILTER,
	AGG_COUNT
};

static const char *const agg_texts[] = {"COUNT(*)",
					"COUNT(v)",
					"SUM(v)",
					"MIN(v)",
					"MAX(v)",
					"AVG(v)",
					"SUM(d)",
					"AVG(d)",
					"MIN(d)",
					"MAX(k)",
					"MIN(k)",
					"COUNT(DISTINCT g)",
					"SUM(DISTINCT g)",
					"SUM(v) FILTER (WHERE g > 0)",
					"COUNT(*) FILTER (WHERE v < 0)"};

struct query {
	enum window window;
	enum shape shape;
	int64_t size, step, offset, delay;
	bool has_k, has_g;
	enum agg aggs[AGGS_MAX];
	int agg_count;
	bool has_where;  /* g <> 1 OR v > 0 */
	bool has_having; /* COUNT(*) > 2 */
};

static struct query make_query(void)
{
	static const int64_t sizes[] = {1000, 2000, 500, 10000, 60000};
	struct query query = {.window = (enum window)draw(4)};
	int64_t parts = 1 + (int64_t)draw(10);

	query.size = sizes[draw(TR_COUNT_OF(sizes))];
	if (query.window == HOP || query.window == CUMULATE) {
		while (query.size % parts != 0)
			parts--;
		query.step = query.size / parts;
	}
	if (query.window == SESSION)
		query.size = 100 + (int64_t)draw(3000);
	else if (draw(3) == 0)
		query.offset = (int64_t)draw(5000) - 2500;
	query.delay = (int64_t)draw(4) * 700;
	query.has_k = draw(2) == 0;
	query.has_g = draw(3) == 0;
	query.agg_count = 1 + (int)draw(AGGS_MAX);
	for (int i = 0; i < query.agg_count; i++)
		query.aggs[i] = (enum agg)draw(AGG_COUNT);
	query.has_where = draw(3) == 0;
	query.has_having = draw(4) == 0;
	query.shape = (enum shape)draw(3);
	if (query.shape == TABLE && query.window == SESSION)
		query.shape = PLAIN;
	return query;
}

static void put_interval(char *out, int64_t ms)
{
	sprintf(out, "INTERVAL %s'%" PRId64 ".%03" PRId64 "' SECOND(4,3)", ms < 0 ? "-" : "",
		(ms < 0 ? -ms : ms) / 1000, (ms < 0 ? -ms : ms) % 1000);
}

static void write_script(const struct query *query, char *out, size_t room)
{
	static const char *const names[] = {"TUMBLE", "HOP", "CUMULATE", "SESSION"};
	char size[64], step[64] = "", offset[80] = "", delay[64], keys[64] = "", list[1024] = "", select[1200],
		       where[80];

	put_interval(size, query->size);
	put_interval(delay, query->delay);
	if (query->step != 0) {
		put_interval(step, query->step);
		strcat(step, ", ");
	}
	if (query->offset != 0) {
		strcpy(offset, ", ");
		put_interval(offset + 2, query->offset);
	}
	snprintf(keys, sizeof(keys), "%s%s%s", query->has_k ? "k" : "", query->has_k && query->has_g ? ", " : "",
		 query->has_g ? "g" : "");
	for (int i = 0; i < query->agg_count; i++) {
		strcat(list, ", ");
		strcat(list, agg_texts[query->aggs[i]]);
	}
	snprintf(where, sizeof(where), "%s%s%s%s", query->has_where || query->shape == TABLE ? "WHERE " : "",
		 query->has_where ? "(g <> 1 OR v > 0)" : "", query->has_where && query->shape == TABLE ? " AND " : "",
		 query->shape == TABLE ? "window_start < window_end" : "");
	if (query->shape == CASCADE)
		strcpy(select,
		       "window_start, window_end, COUNT(*), SUM(c)\nFROM (SELECT window_start, window_end, COUNT(*) c");
	else
		snprintf(select, sizeof(select), "%s%s window_start, window_end%s", keys, keys[0] != '\0' ? "," : "",
			 list);
	snprintf(out, room,
		 "CREATE TABLE t (k STRING, g INT, v BIGINT, d DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - %s)\n"
		 "WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv', 'csv.null-literal' = '',\n"
		 "  'source.chunk-size' = '7kb');\n"
		 "SELECT %s\nFROM TABLE(%s(TABLE t%s%s, DESCRIPTOR(ts), %s%s%s))\n%s\n"
		 "GROUP BY window_start, window_end%s%s%s%s;\n",
		 delay, data_path, select, names[query->window],
		 query->window == SESSION && keys[0] != '\0' ? " PARTITION BY " : "",
		 query->window == SESSION ? keys : "", step, size, offset, where, keys[0] != '\0' ? ", " : "", keys,
		 query->has_having ? "\nHAVING COUNT(*) > 2" : "",
		 query->shape == CASCADE ? ")\nGROUP BY window_start, window_end" : "");
}

/* ---- the model ---- */

struct group {
	bool is_used, is_fired;
	int64_t start, end;
	const struct row **members;
	int count, capacity;
};

static struct group *groups;
static int group_count, group_capacity;
static uint64_t model_late;
static uint64_t model_late_windows; /* a row counts once for each window that has fired */

static bool same_key(const struct query *query, const struct row *a, const struct row *b)
{
	if (query->has_k && !(a->k == b->k || (a->k != NULL && b->k != NULL && strcmp(a->k, b->k) == 0)))
		return false;
	return !query->has_g || (a->has_g == b->has_g && (!a->has_g || a->g == b->g));
}

static struct group *new_group(int64_t start, int64_t end)
{
	if (group_count == group_capacity) {
		group_capacity = group_capacity * 2 + 64;
		groups = realloc(groups, (size_t)group_capacity * sizeof(*groups));
	}
	groups[group_count] = (struct group){.is_used = true, .start = start, .end = end};
	return &groups[group_count++];
}

static void add_member(struct group *group, const struct row *row)
{
	if (group->count == group->capacity) {
		group->capacity = group->capacity * 2 + 8;
		group->members = realloc(group->members, (size_t)group->capacity * sizeof(*group->members));
	}
	group->members[group->count++] = row;
}

static void add_to_window(const struct query *query, const struct row *row, int64_t start, int64_t end)
{
	for (int i = group_count - 1; i >= 0; i--) {
		struct group *group = &groups[i];

		if (group->start == start && group->end == end && same_key(query, group->members[0], row)) {
			add_member(group, row);
			return;
		}
	}
	add_member(new_group(start, end), row);
}

static int64_t floor_to(int64_t value, int64_t unit, int64_t offset)
{
	int64_t rest = (value - offset) % unit;

	return value - (rest < 0 ? rest + unit : rest);
}

static bool add_to_session(const struct query *query, const struct row *row, int64_t watermark)
{
	int64_t start = row->ts, end = row->ts + query->size;
	struct group *into = NULL;

	for (int i = 0; i < group_count; i++) {
		struct group *group = &groups[i];

		if (!group->is_used || !same_key(query, group->members[0], row))
			continue;
		if (group->end - 1 <= watermark)
			group->is_fired = true;
		if (group->is_fired || group->start > end || group->end < start)
			continue;
		start = TR_MIN(start, group->start);
		end = TR_MAX(end, group->end);
		if (into == NULL) {
			into = group;
		} else {
			for (int m = 0; m < group->count; m++)
				add_member(into, group->members[m]);
			group->is_used = false;
		}
	}
	if (into == NULL) {
		if (end - 1 <= watermark)
			return false;
		into = new_group(start, end);
	}
	into->start = start;
	into->end = end;
	add_member(into, row);
	return true;
}

static bool passes_where(const struct query *query, const struct row *row)
{
	if (!query->has_where)
		return true;
	return (row->has_g && row->g != 1) || (row->has_v && row->v > 0);
}

/* Adds the row to each of its windows that has not fired. */
static bool add_row(const struct query *query, const struct row *row, int64_t watermark)
{
	bool is_added = false;
	int64_t first, last_end;

	switch (query->window) {
	case SESSION: return add_to_session(query, row, watermark);
	case TUMBLE:
		first = floor_to(row->ts, query->size, query->offset);
		if (first + query->size - 1 <= watermark) {
			model_late_windows++;
			return false;
		}
		add_to_window(query, row, first, first + query->size);
		return true;
	case HOP:
		for (first = floor_to(row->ts, query->step, query->offset); first > row->ts - query->size;
		     first -= query->step) {
			if (first + query->size - 1 <= watermark) {
				model_late_windows++;
				continue;
			}
			add_to_window(query, row, first, first + query->size);
			is_added = true;
		}
		return is_added;
	case CUMULATE:
		first = floor_to(row->ts, query->size, query->offset);
		last_end = first + query->size;
		for (int64_t end = floor_to(row->ts, query->step, first) + query->step; end <= last_end;
		     end += query->step) {
			if (end - 1 <= watermark) {
				model_late_windows++;
				continue;
			}
			add_to_window(query, row, first, end);
			is_added = true;
		}
		return is_added;
	}
	return false;
}

static void put_double(char *out, double value)
{
	/* multiples of 1/4 of moderate size: Java prints them like this below 10^7 */
	if (value == (double)(int64_t)value)
		sprintf(out, "%" PRId64 ".0", (int64_t)value);
	else
		sprintf(out, "%.12g", value);
}

static void put_agg(const struct group *group, enum agg agg, char *out)
{
	int64_t count = 0, sum = 0, low = INT64_MAX, high = INT64_MIN, seen = 0, distinct = 0, distinct_sum = 0;
	double dsum = 0, dlow = 1e300;
	int64_t dcount = 0, positive = 0, negatives = 0;
	bool has_positive = false;
	const char *kmin = NULL, *kmax = NULL;

	for (int i = 0; i < group->count; i++) {
		const struct row *row = group->members[i];

		if (row->has_v) {
			count++;
			sum += row->v;
			low = TR_MIN(low, row->v);
			high = TR_MAX(high, row->v);
			negatives += row->v < 0;
			if (row->has_g && row->g > 0) {
				positive += row->v;
				has_positive = true;
			}
		}
		if (row->has_d) {
			dcount++;
			dsum += row->d;
			dlow = TR_MIN(dlow, row->d);
		}
		if (row->k != NULL) {
			kmin = kmin == NULL || strcmp(row->k, kmin) < 0 ? row->k : kmin;
			kmax = kmax == NULL || strcmp(row->k, kmax) > 0 ? row->k : kmax;
		}
		if (row->has_g && !(seen >> (row->g + 8) & 1)) {
			seen |= (int64_t)1 << (row->g + 8);
			distinct++;
			distinct_sum += row->g;
		}
	}
	strcpy(out, "NULL");
	switch (agg) {
	case COUNT_STAR: sprintf(out, "%d", group->count); break;
	case COUNT_V: sprintf(out, "%" PRId64, count); break;
	case COUNT_DISTINCT_G: sprintf(out, "%" PRId64, distinct); break;
	case COUNT_FILTER: sprintf(out, "%" PRId64, negatives); break;
	case SUM_V:
	case MIN_V:
	case MAX_V:
	case AVG_V:
		if (count > 0)
			sprintf(out, "%" PRId64,
				agg == SUM_V   ? sum
				: agg == MIN_V ? low
				: agg == MAX_V ? high
					       : sum / count);
		break;
	case SUM_D:
		if (dcount > 0)
			put_double(out, dsum);
		break;
	case MIN_D:
		if (dcount > 0)
			put_double(out, dlow);
		break;
	case AVG_D:
		if (dcount > 0) {
			size_t length =
				tr_text_put_f64(out, dsum / (double)dcount); /* only its printing is the engine's */

			out[length] = '\0';
		}
		break;
	case MIN_K:
	case MAX_K:
		if (kmin != NULL)
			strcpy(out, agg == MIN_K ? kmin : kmax);
		break;
	case SUM_DISTINCT_G:
		if (distinct > 0)
			sprintf(out, "%" PRId64, distinct_sum);
		break;
	case SUM_V_FILTER:
		if (has_positive)
			sprintf(out, "%" PRId64, positive);
		break;
	case AGG_COUNT: break;
	}
}

/* The lines of the groups, grouped once more by their windows. Returns how many. */
static size_t cascade(const struct query *query, char **lines)
{
	size_t count = 0;

	for (int i = 0; i < group_count; i++) {
		char line[256], start[64], end[64];
		int64_t members = 0;
		int parts = 0;

		for (int j = i; j < group_count; j++) {
			struct group *group = &groups[j];

			if (!group->is_used || (query->has_having && group->count <= 2) ||
			    group->start != groups[i].start || group->end != groups[i].end)
				continue;
			parts++;
			members += group->count;
		}
		for (int j = 0; j < i && parts > 0; j++) {
			if (groups[j].is_used && !(query->has_having && groups[j].count <= 2) &&
			    groups[j].start == groups[i].start && groups[j].end == groups[i].end)
				parts = 0; /* the window has its line already */
		}
		if (parts == 0 || !groups[i].is_used || (query->has_having && groups[i].count <= 2))
			continue;
		put_time(start, groups[i].start);
		put_time(end, groups[i].end);
		snprintf(line, sizeof(line), "%s|%s|%d|%" PRId64, start, end, parts, members);
		lines[count++] = strdup(line);
	}
	return count;
}

/* The watermark of each row, and the order in which rows count: as they come; among rows of one watermark, sessions take
 * the greatest time first. */
static void order_rows(const struct query *query, int64_t *watermarks, int *order)
{
	int64_t watermark = INT64_MIN, last = 0, current = 0;

	for (int i = 0; i < ROWS; i++) {
		int at = i;

		watermarks[i] = watermark;
		for (; at > 0 && query->window == SESSION; at--) {
			const int before = order[at - 1];

			if (watermarks[before] != watermark || rows[before].ts >= rows[i].ts)
				break;
			order[at] = before;
		}
		order[at] = i;
		/* the eager rule of the watermark assigner: after the row, when it moved by more than 200 ms; from 0 on */
		current = TR_MAX(current, rows[i].ts - query->delay);
		if (current - last > 200)
			last = watermark = current;
	}
}

static struct expected model(const struct query *query)
{
	static int64_t watermarks[ROWS];
	static int order[ROWS];
	struct expected want = {0};

	group_count = 0;
	model_late = model_late_windows = 0;
	order_rows(query, watermarks, order);
	for (int i = 0; i < ROWS; i++) {
		const struct row *row = &rows[order[i]];

		if (passes_where(query, row) && !add_row(query, row, watermarks[order[i]]))
			model_late++;
	}
	want.lines = calloc((size_t)group_count + 1, sizeof(*want.lines));
	want.count = query->shape == CASCADE ? cascade(query, want.lines) : 0;
	if (query->shape == TABLE)
		model_late = model_late_windows;
	for (int i = 0; i < group_count; i++) {
		const struct group *group = &groups[i];
		char line[2048] = "", cell[256], g[16];

		if (query->shape != CASCADE && group->is_used && !(query->has_having && group->count <= 2)) {
			if (query->has_k)
				sprintf(line, "%s|", group->members[0]->k != NULL ? group->members[0]->k : "NULL");
			sprintf(g, "%d", group->members[0]->g);
			if (query->has_g)
				strcat(strcat(line, group->members[0]->has_g ? g : "NULL"), "|");
			put_time(cell, group->start);
			strcat(strcat(line, cell), "|");
			put_time(cell, group->end);
			strcat(line, cell);
			for (int a = 0; a < query->agg_count; a++) {
				put_agg(group, query->aggs[a], cell);
				strcat(strcat(line, "|"), cell);
			}
			want.lines[want.count++] = strdup(line);
		}
		free(groups[i].members);
	}
	qsort(want.lines, want.count, sizeof(*want.lines), run_compare_lines);
	return want;
}

/* ---- the comparison ---- */

static void compare(const struct expected *want, const struct run_result *got, const char *const *settings)
{
	expected_compare(want, got, settings);
	if (got->rows_late == model_late && got->rows_in == ROWS)
		return;
	print_error("late %" PRIu64 ", expected %" PRIu64 "; in %" PRIu64 "\n", got->rows_late, model_late,
		    got->rows_in);
	expected_fail(want, settings);
}

static void test_windows_equal_model(void **state)
{
	static const char *const parallelisms[] = {"1", "2", "3", "8"};
	static const char *const batches[] = {"1", "7", "2048"};
	uint64_t seed = tr_test_number("TAILRACE_TEST_SEED", 1);
	uint64_t cases = tr_test_cases(120);

	random_state = seed * 977;
	for (int number = 0; number < (int)cases; number++) {
		struct query query;
		char script[4096];
		struct expected want;

		if (number % 20 == 0)
			make_data();
		query = make_query();
		write_script(&query, script, sizeof(script));
		want = model(&query);
		want.script = script;
		want.seed = seed;
		want.number = number;
		for (size_t p = 0; p < TR_COUNT_OF(parallelisms); p++) {
			for (size_t b = 0; b < TR_COUNT_OF(batches); b++) {
				const char *settings[] = {"parallelism.default",
							  parallelisms[p],
							  "engine.batch-rows",
							  batches[b],
							  "engine.window-operator",
							  (number + (int)p + (int)b) % 4 == 0 ? "general" : "auto",
							  "engine.exchange-credits",
							  (number + (int)b) % 3 == 0 ? "1" : "4",
							  NULL};
				struct run_result got = run_sql(script, settings);

				compare(&want, &got, settings);
				run_free(&got);
			}
		}
		expected_free(&want);
	}
	unlink(data_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_windows_equal_model)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
