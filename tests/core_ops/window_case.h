/* SPDX-License-Identifier: Apache-2.0
 *
 * Random window queries over random streams: what the tests of window operators share, with the model that answers them
 * (window_model.h) and the sink that takes what operators emit (window_sink.h).
 *
 * The stream has disorder, late rows, NULLs, Unicode keys, negative times. Every row knows the watermark that was in force
 * when it arrived.
 */
#ifndef TR_TESTS_WINDOW_CASE_H
#define TR_TESTS_WINDOW_CASE_H

#include <math.h>

#include "base/arena.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "core/ops/op_window.h"
#include "tr_test.h"

#define ROWS_MAX 4000
#define AGGS_MAX 6
#define KEYS_MAX 2

enum { TS, K, NAME, V, I, D, DEC, WIDE, S, F, X, P, COLUMNS }; /* P: the position of the row */

struct row {
	int64_t ts;
	int64_t watermark; /* in force when it arrived */
	bool is_null[COLUMNS];
	int64_t k, v, position;
	int32_t i;
	double d, x;
	int64_t dec;
	tr_i128 wide;
	char name[48];
	char s[48];
	bool f;
};

struct query {
	struct tr_window_spec window;
	uint32_t keys[KEYS_MAX];
	uint32_t key_count;
	struct tr_agg_call aggs[AGGS_MAX];
	uint32_t agg_count;
	bool has_distinct;
	struct tr_schema input, output;
	const char *names[32];
	const struct tr_type *types[32];
};

struct world {
	struct tr_arena arena;
	uint64_t seed;
	struct row rows[ROWS_MAX];
	uint32_t row_count;
	int64_t last_watermark;
	const struct tr_type *in_types[COLUMNS];
};

static const char *const in_names[COLUMNS] = {"ts", "k", "name", "v", "i", "d", "dec", "wide", "s", "f", "x", "p"};

/* -- the stream -- */

static const char *const names[] = {"a",
				    "",
				    "Zoë",
				    "東京",
				    "a rather long name, longer than twelve",
				    "a rather long name, longer than twelvE",
				    "Ωmega and Ψ and more of them",
				    "b"};

static inline void make_rows(struct world *w, uint32_t count, int64_t origin, int64_t pace, int64_t disorder,
			     int64_t delay, uint32_t key_range)
{
	int64_t now = origin, greatest = INT64_MIN, watermark = TR_WATERMARK_MIN;

	w->row_count = count;
	for (uint32_t n = 0; n < count; n++) {
		struct row *r = &w->rows[n];
		const uint32_t pick = tr_test_below(&w->seed, TR_COUNT_OF(names));

		memset(r, 0, sizeof(*r));
		now += tr_test_below(&w->seed, (uint32_t)pace * 2 + 1);
		if (tr_test_below(&w->seed, 200) == 0)
			now += pace * 300; /* a gap */
		r->ts = now;
		if (disorder > 0 && tr_test_below(&w->seed, 3) == 0)
			r->ts -= tr_test_below(&w->seed, (uint32_t)disorder);
		r->watermark = watermark;
		if (r->ts > greatest) {
			greatest = r->ts;
			if (tr_test_below(&w->seed, 4) != 0 && greatest - delay > watermark)
				watermark = greatest - delay;
		}
		for (int c = K; c < P; c++)
			r->is_null[c] = tr_test_below(&w->seed, 8) == 0;
		r->k = (int64_t)tr_test_below(&w->seed, key_range) - key_range / 4;
		if (key_range > 50) /* far apart */
			r->k = (int64_t)((uint64_t)r->k * UINT64_C(0x123456789abcd1));
		strcpy(r->name, names[pick]);
		r->v = (int64_t)(tr_test_random(&w->seed) >> (tr_test_below(&w->seed, 2) * 40));
		r->i = (int32_t)tr_test_random(&w->seed) >> (tr_test_below(&w->seed, 2) * 27);
		r->d = (double)((int)tr_test_below(&w->seed, 4000) - 2000) / 4;
		if (tr_test_below(&w->seed, 300) == 0)
			r->d = (double)NAN;
		r->x = (double)((int)tr_test_below(&w->seed, 4) - 2);
		if (r->x == 0 && tr_test_below(&w->seed, 2))
			r->x = -0.0;
		if (r->x == 1 && tr_test_below(&w->seed, 2))
			r->x = (double)NAN;
		r->dec = (int64_t)(tr_test_random(&w->seed) % 20000000000) - 10000000000;
		r->wide = (tr_i128)(int64_t)tr_test_random(&w->seed) * 1000000000;
		sprintf(r->s, "%s%u", names[tr_test_below(&w->seed, TR_COUNT_OF(names))], tr_test_below(&w->seed, 5));
		r->f = tr_test_below(&w->seed, 2);
		r->position = n;
	}
	w->last_watermark = watermark;
}

static inline void put_row(struct tr_batch_buffer *b, uint32_t at, const struct row *r)
{
	((int64_t *)b->columns[TS].data)[at] = r->ts;
	((int64_t *)b->columns[K].data)[at] = r->k;
	((struct tr_view *)b->columns[NAME].data)[at] = tr_batch_buffer_view(b, r->name, (uint32_t)strlen(r->name));
	((int64_t *)b->columns[V].data)[at] = r->v;
	((int32_t *)b->columns[I].data)[at] = r->i;
	((double *)b->columns[D].data)[at] = r->d;
	((int64_t *)b->columns[DEC].data)[at] = r->dec;
	((tr_i128 *)b->columns[WIDE].data)[at] = r->wide;
	((struct tr_view *)b->columns[S].data)[at] = tr_batch_buffer_view(b, r->s, (uint32_t)strlen(r->s));
	((int8_t *)b->columns[F].data)[at] = r->f;
	((double *)b->columns[X].data)[at] = r->x;
	((int64_t *)b->columns[P].data)[at] = r->position;
	for (uint32_t c = K; c < COLUMNS; c++)
		if (r->is_null[c])
			tr_column_buffer_set_null(&b->columns[c], at);
}

/* -- queries -- */

struct choice {
	const char *name;
	int column;
	bool is_distinct;
	bool keeps; /* collects values: in one phase only, as with DISTINCT */
};

static const struct choice choices[] = {
	{"COUNT", -1, false},
	{"COUNT", -1, false},
	{"COUNT", V, false},
	{"COUNT", S, false},
	{"SUM", V, false},
	{"SUM", I, false},
	{"AVG", V, false},
	{"AVG", I, false},
	{"MIN", V, false},
	{"MAX", I, false},
	{"SUM", D, false},
	{"AVG", D, false},
	{"MIN", D, false},
	{"MAX", D, false},
	{"SUM", DEC, false},
	{"AVG", DEC, false},
	{"MIN", DEC, false},
	{"SUM", WIDE, false},
	{"AVG", WIDE, false},
	{"MAX", WIDE, false},
	{"MIN", S, false},
	{"MAX", S, false},
	{"COUNT", S, true},
	{"SUM", I, true},
	{"AVG", V, true},
	{"COUNT", D, true},
	{"MAX", S, true},
	{"VAR_POP", D, false},
	{"VAR_SAMP", I, false},
	{"STDDEV_POP", I, false},
	{"STDDEV_SAMP", D, false},
	{"VARIANCE", D, true},
	{"FIRST_VALUE", S, false},
	{"LAST_VALUE", V, false},
	{"FIRST_VALUE", WIDE, false},
	{"LAST_VALUE", S, true, true},
	{"LISTAGG", S, false, true},
	{"LISTAGG", S, true, true},
	{"ARRAY_AGG", S, false, true},
	{"ARRAY_AGG", I, true, true},
	{"COLLECT", I, false, true},
	{"COLLECT", S, true, true},
	{"PERCENTILE", D, false, true},
	{"PERCENTILE", D, true, true},
	{"JSON_ARRAYAGG", S, false, true},
};

static inline void add_column(struct query *q, const char *name, const struct tr_type *type)
{
	q->names[q->output.column_count] = name;
	q->types[q->output.column_count++] = type;
}

static inline void resolve(struct world *w, const struct choice *choice, struct tr_agg_match *match)
{
	struct tr_agg_ask ask = {
		.name = choice->name, .arg_count = 1, .is_grouped = true, .is_distinct = choice->is_distinct};

	if (choice->column >= 0)
		ask.arg_types[0] = w->in_types[choice->column];
	if (strcmp(choice->name, "PERCENTILE") == 0) {
		ask.args[1] = tr_expr_literal(&w->arena, tr_type_of(TR_TYPE_DOUBLE), (struct tr_value){.f64 = 0.3});
		ask.arg_types[ask.arg_count++] = tr_type_of(TR_TYPE_DOUBLE);
	}
	assert_int_equal(tr_agg_resolve_call(&w->arena, &ask, match, NULL), TR_OK);
}

static inline void make_query(struct world *w, struct query *q, enum tr_window_kind kind, bool may_distinct)
{
	static const uint32_t key_columns[] = {K, NAME, I, X};
	const int64_t step = 1 + tr_test_below(&w->seed, 200);

	memset(q, 0, sizeof(*q));
	q->window.kind = kind;
	q->window.time_zone = "UTC";
	q->window.time_column = TS;
	q->window.step_ms = step;
	q->window.size_ms =
		kind == TR_WINDOW_HOP || kind == TR_WINDOW_CUMULATE ? step * (1 + tr_test_below(&w->seed, 12)) : step;
	if (kind == TR_WINDOW_HOP && tr_test_below(&w->seed, 4) == 0)
		q->window.size_ms += tr_test_below(&w->seed, (uint32_t)step); /* the legacy form */
	q->window.offset_ms = tr_test_below(&w->seed, 3) == 0 ? (int64_t)tr_test_below(&w->seed, 100) - 50 : 0;
	q->input = (struct tr_schema){.column_count = COLUMNS, .names = in_names, .types = w->in_types};
	q->output.names = q->names;
	q->output.types = q->types;
	q->key_count = tr_test_below(&w->seed, 3);
	q->keys[0] = key_columns[tr_test_below(&w->seed, 4)];
	q->keys[1] = q->keys[0] == NAME ? K : NAME;
	for (uint32_t i = 0; i < q->key_count; i++)
		add_column(q, in_names[q->keys[i]], w->in_types[q->keys[i]]);
	q->agg_count = 1 + tr_test_below(&w->seed, AGGS_MAX);
	for (uint32_t i = 0; i < q->agg_count; i++) {
		const struct choice *choice;
		struct tr_agg_match match;

		do
			choice = &choices[tr_test_below(&w->seed, TR_COUNT_OF(choices))];
		while ((choice->is_distinct || choice->keeps) && !may_distinct);
		q->has_distinct |= choice->keeps || (choice->is_distinct && strcmp(choice->name, "MAX") != 0);
		resolve(w, choice, &match);
		q->aggs[i] = (struct tr_agg_call){.agg = match.agg,
						  .type = match.type,
						  .params = match.params,
						  .more_count = tr_agg_is_ordered(match.agg),
						  .more_columns = {P},
						  .arg_column = choice->column,
						  .filter_column = tr_test_below(&w->seed, 4) == 0 ? F : -1,
						  .is_distinct = choice->is_distinct,
						  .text = choice->name};
		add_column(q, choice->name, match.type);
	}
	add_column(q, "window_start", tr_type_with_precision(&w->arena, TR_TYPE_TIMESTAMP, 3));
	add_column(q, "window_end", tr_type_with_precision(&w->arena, TR_TYPE_TIMESTAMP, 3));
	add_column(q, "window_time", tr_type_with_precision(&w->arena, TR_TYPE_TIMESTAMP, 3));
}

static inline struct world *world_create(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	tr_arena_init(&w->arena, 0);
	w->seed = seed;
	w->in_types[TS] = tr_type_with_precision(&w->arena, TR_TYPE_TIMESTAMP, 3);
	w->in_types[K] = w->in_types[V] = w->in_types[P] = tr_type_of(TR_TYPE_BIGINT);
	w->in_types[I] = tr_type_of(TR_TYPE_INT);
	w->in_types[NAME] = w->in_types[S] = tr_type_of(TR_TYPE_VARCHAR);
	w->in_types[D] = w->in_types[X] = tr_type_of(TR_TYPE_DOUBLE);
	w->in_types[DEC] = tr_type_decimal(&w->arena, 10, 2);
	w->in_types[WIDE] = tr_type_decimal(&w->arena, 30, 4);
	w->in_types[F] = tr_type_of(TR_TYPE_BOOLEAN);
	return w;
}

static inline void world_destroy(struct world *w)
{
	tr_arena_deinit(&w->arena);
	free(w);
}

#endif
