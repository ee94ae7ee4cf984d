/* SPDX-License-Identifier: Apache-2.0
 *
 * A naive model of window queries (window_case.h), and results as lines of text.
 *
 * The model keeps, for each (key, window), the list of its rows, and computes the aggregates from the lists at the end.
 * Results are compared as sorted lines. Sessions take rows of equal watermark by time, the greatest first
 * (op_window_session.c says why).
 */
#ifndef TR_TESTS_WINDOW_MODEL_H
#define TR_TESTS_WINDOW_MODEL_H

#include <time.h>

#include "base/bytes.h"
#include "base/text.h"
#include "window_case.h"

struct text_list {
	char **lines;
	size_t count, capacity;
};

/* -- lines -- */

static inline void list_add(struct text_list *list, const char *line)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity == 0 ? 64 : list->capacity * 2;
		list->lines = realloc(list->lines, list->capacity * sizeof(char *));
	}
	list->lines[list->count++] = strdup(line);
}

static inline int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static inline void list_free(struct text_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->lines[i]);
	free(list->lines);
	memset(list, 0, sizeof(*list));
}

static inline void put_i128(char *out, tr_i128 value)
{
	char digits[48];
	int n = 0;
	unsigned __int128 m = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;

	do {
		digits[n++] = (char)('0' + (int)(m % 10));
		m /= 10;
	} while (m != 0);
	if (value < 0)
		digits[n++] = '-';
	while (n > 0)
		*out++ = digits[--n];
	*out++ = '|';
	*out = 0;
}

static inline void put_double(char *out, double value)
{
	if (isnan(value))
		strcpy(out, "nan|");
	else
		sprintf(out, "%.17g|", value == 0 ? 0.0 : value);
}

/** Long texts as their length and a checksum. */
static inline void put_text(char *out, const char *text, size_t length)
{
	uint64_t sum = 0;

	if (length <= 100) {
		sprintf(out, "%.*s|", (int)length, text);
		return;
	}
	for (size_t i = 0; i < length; i++)
		sum = sum * UINT64_C(1000003) + (unsigned char)text[i];
	sprintf(out, "%zu bytes, %llx|", length, (unsigned long long)sum);
}

static inline int compare_chars(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }

static inline void sort_bytes(struct tr_bytes *text) { qsort(text->data, text->length, 1, compare_chars); }

static inline char *end_of(char *line) { return line + strlen(line); }

/** A value of a result, as text. */
static inline void put_cell(char *line, const struct tr_column *column, uint32_t row)
{
	char *out = end_of(line);

	if (tr_column_is_null(column, row)) {
		strcpy(out, "NULL|");
		return;
	}
	switch ((enum tr_phys)column->type->phys) {
	case TR_PHYS_I8: put_i128(out, tr_column_i8(column, row)); return;
	case TR_PHYS_I32: put_i128(out, tr_column_i32(column, row)); return;
	case TR_PHYS_I64: put_i128(out, tr_column_i64(column, row)); return;
	case TR_PHYS_I128: put_i128(out, tr_column_i128(column, row)); return;
	case TR_PHYS_F64: put_double(out, tr_column_f64(column, row)); return;
	case TR_PHYS_VIEW: {
		const struct tr_view *view = tr_column_view(column, row);

		put_text(out, tr_view_text(view), view->length);
		return;
	}
	case TR_PHYS_LIST: {
		struct tr_bytes text = {0};

		tr_text_append_value(&text, column, row, TR_TEXT_CAST, NULL);
		if (column->type->id == TR_TYPE_MULTISET) /* in any order */
			sort_bytes(&text);
		put_text(out, text.data, text.length);
		tr_bytes_deinit(&text);
		return;
	}
	default: fail();
	}
}

/* -- the model -- */

struct group {
	char key[256];
	int64_t start, end;
	uint32_t *rows;
	uint32_t count, capacity;
	bool is_gone; /* joined into another session */
	struct group *next;
};

#define BUCKETS 4096

struct model {
	const struct world *w;
	const struct query *q;
	struct group *buckets[BUCKETS];
	uint64_t late;
};

static inline void key_text(char *out, const struct query *q, const struct row *r)
{
	*out = 0;
	for (uint32_t i = 0; i < q->key_count; i++) {
		char *at = end_of(out);

		if (r->is_null[q->keys[i]])
			strcpy(at, "NULL|");
		else if (q->keys[i] == K)
			put_i128(at, r->k);
		else if (q->keys[i] == NAME)
			sprintf(at, "%s|", r->name);
		else if (q->keys[i] == I)
			put_i128(at, r->i);
		else
			put_double(at, r->x);
	}
}

static inline int64_t floor_to(int64_t t, int64_t step)
{
	int64_t q = t / step;

	if (t % step < 0)
		q--;
	return q * step;
}

/** The wall clock of the case's zone, by libc. */
static inline int64_t local_of(const struct query *q, int64_t utc)
{
	time_t seconds = (time_t)floor_to(utc, 1000) / 1000;
	struct tm tm;

	if (!q->window.is_local_time)
		return utc;
	localtime_r(&seconds, &tm);
	return utc + tm.tm_gmtoff * 1000;
}

/** The last instant that shows this wall clock, or the first after the gap that swallows it. */
static inline int64_t instant_of(const struct query *q, int64_t local)
{
	if (!q->window.is_local_time)
		return local;
	for (int64_t hours = 0; hours <= 3; hours++)
		if (local_of(q, local - hours * 3600000) == local)
			return local - hours * 3600000;
	return floor_to(local, 3600000) - 3600000; /* Berlin: 02:00 .. 03:00 is skipped at 01:00 UTC */
}

static inline uint32_t bucket_of(const char *key)
{
	uint32_t h = 17;

	for (; *key; key++)
		h = h * 31 + (unsigned char)*key;
	return h % BUCKETS;
}

static inline struct group *group_new(struct model *m, const char *key, int64_t start, int64_t end)
{
	struct group *g = calloc(1, sizeof(*g));

	strcpy(g->key, key);
	g->start = start;
	g->end = end;
	g->next = m->buckets[bucket_of(key)];
	m->buckets[bucket_of(key)] = g;
	return g;
}

static inline void group_add(struct group *g, uint32_t row)
{
	if (g->count == g->capacity) {
		g->capacity = g->capacity == 0 ? 8 : g->capacity * 2;
		g->rows = realloc(g->rows, g->capacity * sizeof(uint32_t));
	}
	g->rows[g->count++] = row;
}

static inline bool is_late(const struct query *q, int64_t end, int64_t watermark)
{
	return instant_of(q, end - 1) <= watermark;
}

static inline bool model_enter(struct model *m, const char *key, int64_t start, int64_t end, uint32_t row)
{
	struct group *g;

	if (is_late(m->q, end, m->w->rows[row].watermark))
		return false;
	for (g = m->buckets[bucket_of(key)]; g != NULL; g = g->next)
		if (g->start == start && g->end == end && strcmp(g->key, key) == 0)
			break;
	if (g == NULL)
		g = group_new(m, key, start, end);
	group_add(g, row);
	return true;
}

static inline bool model_session(struct model *m, const char *key, int64_t t, uint32_t row)
{
	const int64_t watermark = m->w->rows[row].watermark;
	int64_t start = t, end = t + m->q->window.size_ms;
	struct group *into = NULL, *g;

	for (g = m->buckets[bucket_of(key)]; g != NULL; g = g->next)
		if (!g->is_gone && strcmp(g->key, key) == 0 && !is_late(m->q, g->end, watermark) &&
		    g->start <= t + m->q->window.size_ms && g->end >= t) {
			start = TR_MIN(start, g->start);
			end = TR_MAX(end, g->end);
		}
	if (is_late(m->q, end, watermark))
		return false;
	into = group_new(m, key, start, end);
	for (g = into->next; g != NULL; g = g->next)
		if (!g->is_gone && strcmp(g->key, key) == 0 && !is_late(m->q, g->end, watermark) && g->start >= start &&
		    g->end <= end) {
			for (uint32_t i = 0; i < g->count; i++)
				group_add(into, g->rows[i]);
			g->is_gone = true;
		}
	group_add(into, row);
	return true;
}

static inline void model_row(struct model *m, uint32_t row)
{
	const struct tr_window_spec *spec = &m->q->window;
	const int64_t t = local_of(m->q, m->w->rows[row].ts);
	char key[256];
	bool entered = false;

	key_text(key, m->q, &m->w->rows[row]);
	if (spec->kind == TR_WINDOW_SESSION) {
		entered = model_session(m, key, t, row);
	} else if (spec->kind == TR_WINDOW_CUMULATE) {
		const int64_t start = floor_to(t - spec->offset_ms, spec->size_ms) + spec->offset_ms;

		for (int64_t end = start + spec->step_ms; end <= start + spec->size_ms; end += spec->step_ms)
			if (t < end)
				entered |= model_enter(m, key, start, end, row);
	} else {
		const int64_t step = spec->kind == TR_WINDOW_HOP ? spec->step_ms : spec->size_ms;

		for (int64_t start = floor_to(t - spec->offset_ms - spec->size_ms, step) + spec->offset_ms; start <= t;
		     start += step)
			if (t < start + spec->size_ms)
				entered |= model_enter(m, key, start, start + spec->size_ms, row);
	}
	m->late += !entered;
}

static inline bool same_value(const struct row *a, const struct row *b, int column)
{
	if (a->is_null[column] || b->is_null[column])
		return a->is_null[column] && b->is_null[column];
	switch (column) {
	case V: return a->v == b->v;
	case I: return a->i == b->i;
	case D: return a->d == b->d || (isnan(a->d) && isnan(b->d));
	case S: return strcmp(a->s, b->s) == 0;
	default: fail(); return false;
	}
}

static inline int compare_numbers(const void *a, const void *b)
{
	return (*(const uint32_t *)a > *(const uint32_t *)b) - (*(const uint32_t *)a < *(const uint32_t *)b);
}

/** The rows of the group that an aggregate sees, in the order of the stream. */
static inline uint32_t seen_rows(const struct model *m, const struct group *g, const struct tr_agg_call *call,
				 uint32_t *seen)
{
	const bool keeps_nulls = strstr(tr_agg_name(call->agg), "ARRAY") != NULL;
	uint32_t n = 0;

	qsort(g->rows, g->count, sizeof(*g->rows), compare_numbers);
	for (uint32_t i = 0; i < g->count; i++) {
		const struct row *r = &m->w->rows[g->rows[i]];
		bool is_known = false;

		if (call->filter_column >= 0 && (r->is_null[F] || !r->f))
			continue;
		if (call->arg_column >= 0 && r->is_null[call->arg_column] && !keeps_nulls)
			continue;
		for (uint32_t j = 0; call->is_distinct && call->arg_column >= 0 && j < n; j++)
			is_known |= same_value(r, &m->w->rows[seen[j]], call->arg_column);
		if (!is_known)
			seen[n++] = g->rows[i];
	}
	return n;
}

static inline tr_i128 number_of(const struct row *r, int column)
{
	return column == V ? r->v : column == I ? r->i : column == DEC ? r->dec : r->wide;
}

static inline tr_i128 half_up(tr_i128 a, tr_i128 b)
{
	const tr_i128 m = a < 0 ? -a : a;
	const tr_i128 q = (2 * m + b) / (2 * b);

	return a < 0 ? -q : q;
}

static inline void put_sum_or_avg(char *out, const struct model *m, const struct tr_agg_call *call,
				  const uint32_t *seen, uint32_t n, bool is_avg)
{
	const int column = call->arg_column;
	tr_i128 sum = 0;
	double total = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (column == D)
			total += m->w->rows[seen[i]].d;
		else
			sum += number_of(&m->w->rows[seen[i]], column);
	}
	if (column == D)
		put_double(out, is_avg ? total / n : total);
	else if (column == V)
		put_i128(out, is_avg ? (int64_t)sum / (int64_t)n : (int64_t)sum);
	else if (column == I)
		put_i128(out, is_avg ? (int32_t)(sum / n) : (int32_t)sum);
	else if (column == DEC)
		put_i128(out, is_avg ? half_up(sum * 10000, n) : sum);
	else
		put_i128(out, is_avg ? half_up(sum * 100, n) : sum);
}

static inline int compare_values(const struct row *a, const struct row *b, int column)
{
	switch (column) {
	case D:
		if (isnan(a->d) || isnan(b->d))
			return !!isnan(a->d) - !!isnan(b->d);
		return (a->d > b->d) - (a->d < b->d);
	case S: return strcmp(a->s, b->s);
	default: {
		const tr_i128 x = number_of(a, column), y = number_of(b, column);

		return (x > y) - (x < y);
	}
	}
}

static inline void put_extreme(char *out, const struct model *m, int column, const uint32_t *seen, uint32_t n, int sign)
{
	const struct row *best = &m->w->rows[seen[0]];

	for (uint32_t i = 1; i < n; i++)
		if (compare_values(&m->w->rows[seen[i]], best, column) * sign > 0)
			best = &m->w->rows[seen[i]];
	if (column == S)
		sprintf(out, "%s|", best->s);
	else if (column == D)
		put_double(out, best->d);
	else
		put_i128(out, number_of(best, column));
}

/** Integers times 1 or 4; the sums are exact. */
static inline void put_variance(char *out, const struct model *m, const struct tr_agg_call *call, const uint32_t *seen,
				uint32_t n)
{
	const char *name = tr_agg_name(call->agg);
	const bool is_sample = strstr(name, "POP") == NULL;
	const int column = call->arg_column;
	tr_i128 sum = 0, squares = 0;
	bool has_nan = false;
	double value;

	for (uint32_t i = 0; i < n; i++) {
		const struct row *r = &m->w->rows[seen[i]];
		const tr_i128 x = column == I ? (tr_i128)r->i : isnan(r->d) ? 0 : (tr_i128)(r->d * 4);

		has_nan |= column == D && isnan(r->d);
		sum += x;
		squares += x * x;
	}
	if (is_sample && n == 1) {
		strcpy(out, "NULL|");
		return;
	}
	value = (double)((tr_i128)n * squares - sum * sum) / (column == D ? 16 : 1) / n / (is_sample ? n - 1 : n);
	if (strncmp(name, "STDDEV", 6) == 0)
		value = sqrt(value);
	if (column == I)
		put_i128(out, value >= INT32_MAX ? INT32_MAX : (int32_t)value);
	else
		put_double(out, has_nan ? (double)NAN : value);
}

/** A value as a cast to STRING writes it. */
static inline void append_plain(struct tr_bytes *text, const struct row *r, int column)
{
	if (r->is_null[column])
		tr_bytes_append_str(text, "NULL");
	else if (column == S)
		tr_bytes_append_str(text, r->s);
	else
		tr_bytes_printf(text, "%d", r->i);
}

static inline void put_list(char *out, const struct model *m, const struct tr_agg_call *call, const uint32_t *seen,
			    uint32_t n)
{
	const bool is_json = strcmp(tr_agg_name(call->agg), "JSON_ARRAYAGG") == 0;
	const bool is_array = is_json || strcmp(tr_agg_name(call->agg), "ARRAY_AGG") == 0;
	struct tr_bytes text = {0};

	if (is_array)
		tr_bytes_append_str(&text, "[");
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			tr_bytes_append_str(&text, is_array && !is_json ? ", " : ",");
		if (is_json && m->w->rows[seen[i]].is_null[call->arg_column])
			tr_bytes_append_str(&text, "null");
		else
			append_plain(&text, &m->w->rows[seen[i]], call->arg_column);
	}
	if (is_array)
		tr_bytes_append_str(&text, "]");
	put_text(out, text.data, text.length);
	tr_bytes_deinit(&text);
}

static inline void put_multiset(char *out, const struct model *m, const struct tr_agg_call *call, const uint32_t *seen,
				uint32_t n)
{
	struct tr_bytes text = {0};

	tr_bytes_append_str(&text, "{");
	for (uint32_t i = 0; i < n; i++) {
		const struct row *r = &m->w->rows[seen[i]];
		uint32_t times = 0, before = 0;

		for (uint32_t j = 0; j < n; j++) {
			const bool is_same = same_value(r, &m->w->rows[seen[j]], call->arg_column);

			times += is_same;
			before += is_same && j < i;
		}
		if (before > 0)
			continue;
		if (text.length > 1)
			tr_bytes_append_str(&text, ", ");
		append_plain(&text, r, call->arg_column);
		tr_bytes_printf(&text, "=%u", times);
	}
	tr_bytes_append_str(&text, "}");
	sort_bytes(&text);
	put_text(out, text.data, text.length);
	tr_bytes_deinit(&text);
}

static inline int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	if (isnan(x) || isnan(y))
		return !!isnan(x) - !!isnan(y);
	return (x > y) - (x < y);
}

static inline void put_percentile(char *out, const struct model *m, const uint32_t *seen, uint32_t n)
{
	double *values = calloc(n, sizeof(*values));
	const double at = 0.3 * (n - 1), below = floor(at), above = ceil(at);

	for (uint32_t i = 0; i < n; i++)
		values[i] = m->w->rows[seen[i]].d;
	qsort(values, n, sizeof(*values), compare_doubles);
	put_double(out, below == above || values[(int)below] == values[(int)above]
				? values[(int)below]
				: (above - at) * values[(int)below] + (at - below) * values[(int)above]);
	free(values);
}

/** `seen` in the order of the stream. */
static inline void put_other(char *out, const struct model *m, const struct tr_agg_call *call, const uint32_t *seen,
			     uint32_t n)
{
	const char *name = tr_agg_name(call->agg);
	const int column = call->arg_column;
	const struct row *r = &m->w->rows[seen[strcmp(name, "FIRST_VALUE") == 0 ? 0 : n - 1]];

	if (strncmp(name, "VAR", 3) == 0 || strncmp(name, "STDDEV", 6) == 0)
		put_variance(out, m, call, seen, n);
	else if (strcmp(name, "LISTAGG") == 0 || strstr(name, "ARRAY") != NULL)
		put_list(out, m, call, seen, n);
	else if (strcmp(name, "COLLECT") == 0)
		put_multiset(out, m, call, seen, n);
	else if (strcmp(name, "PERCENTILE") == 0)
		put_percentile(out, m, seen, n);
	else if (column == S)
		sprintf(out, "%s|", r->s);
	else
		put_i128(out, number_of(r, column));
}

static inline void put_aggregate(char *line, const struct model *m, const struct group *g,
				 const struct tr_agg_call *call)
{
	const char *name = tr_agg_name(call->agg);
	uint32_t *seen = calloc(g->count, sizeof(*seen));
	const uint32_t n = seen_rows(m, g, call, seen);
	char *out = end_of(line);

	if (strcmp(name, "COUNT") == 0)
		put_i128(out, n);
	else if (n == 0)
		strcpy(out, strcmp(name, "COLLECT") == 0 ? "{}|" : strstr(name, "JSON") != NULL ? "[]|" : "NULL|");
	else if (strcmp(name, "SUM") == 0 || strcmp(name, "AVG") == 0)
		put_sum_or_avg(out, m, call, seen, n, strcmp(name, "AVG") == 0);
	else if (strcmp(name, "MIN") != 0 && strcmp(name, "MAX") != 0)
		put_other(out, m, call, seen, n);
	else
		put_extreme(out, m, call->arg_column, seen, n, strcmp(name, "MAX") == 0 ? 1 : -1);
	free(seen);
}

/** The order in which rows count: that of their watermarks, which is the stream's; within one, sessions go down in time. */
static inline void model_order(const struct world *w, const struct query *q, uint32_t *order)
{
	for (uint32_t i = 0; i < w->row_count; i++) {
		uint32_t at = i;

		for (; at > 0 && q->window.kind == TR_WINDOW_SESSION; at--) {
			const struct row *before = &w->rows[order[at - 1]];

			if (before->watermark != w->rows[i].watermark ||
			    local_of(q, before->ts) >= local_of(q, w->rows[i].ts))
				break;
			order[at] = order[at - 1];
		}
		order[at] = i;
	}
}

static inline void model_run_in(const struct world *w, const struct query *q, const uint32_t *order,
				struct text_list *lines, uint64_t *late)
{
	struct model *m = calloc(1, sizeof(*m));

	m->w = w;
	m->q = q;
	for (uint32_t i = 0; i < w->row_count; i++)
		model_row(m, order[i]);
	for (uint32_t b = 0; b < BUCKETS; b++) {
		while (m->buckets[b] != NULL) {
			struct group *g = m->buckets[b];
			char line[2048];

			if (!g->is_gone) {
				strcpy(line, g->key);
				for (uint32_t a = 0; a < q->agg_count; a++)
					put_aggregate(line, m, g, &q->aggs[a]);
				put_i128(end_of(line), g->start);
				put_i128(end_of(line), g->end);
				put_i128(end_of(line),
					 q->window.is_local_time && q->types[q->key_count + q->agg_count + 2]->id ==
									    TR_TYPE_TIMESTAMP_LTZ
						 ? -1
						 : g->end - 1);
				list_add(lines, line);
			}
			m->buckets[b] = g->next;
			free(g->rows);
			free(g);
		}
	}
	*late = m->late;
	free(m);
	qsort(lines->lines, lines->count, sizeof(char *), compare_lines);
}

static inline void model_run(const struct world *w, const struct query *q, struct text_list *lines, uint64_t *late)
{
	uint32_t *order = calloc(w->row_count + 1, sizeof(*order));

	model_order(w, q, order);
	model_run_in(w, q, order, lines, late);
	free(order);
}

static inline void compare(const struct text_list *want, struct text_list *got, uint64_t want_late, uint64_t got_late,
			   const char *what)
{
	qsort(got->lines, got->count, sizeof(char *), compare_lines);
	for (size_t i = 0; i < want->count && i < got->count; i++)
		if (strcmp(want->lines[i], got->lines[i]) != 0) {
			print_message("%s: line %zu\n want %s\n  got %s\n", what, i, want->lines[i], got->lines[i]);
			fail();
		}
	if (want->count != got->count || want_late != got_late)
		print_message("%s: want %zu lines, %llu late; got %zu, %llu\n", what, want->count,
			      (unsigned long long)want_late, got->count, (unsigned long long)got_late);
	assert_int_equal(want->count, got->count);
	assert_int_equal(want_late, got_late);
}

#endif
