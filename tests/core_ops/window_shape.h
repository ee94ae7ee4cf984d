/* SPDX-License-Identifier: Apache-2.0
 *
 * Window operators whose state a test makes as large as it wants: one key, one aggregate, one subtask, windows that stay open.
 */
#ifndef TR_TESTS_WINDOW_SHAPE_H
#define TR_TESTS_WINDOW_SHAPE_H

#include "window_run.h"

/** A query by one key, in windows of 100 s, on one subtask. */
struct shape {
	enum tr_window_kind kind;
	uint32_t key;
	bool is_general;
	bool is_distinct; /* COUNT(DISTINCT v); else SUM(v) */
	bool is_processing_time;
};

static inline struct run *shape_run(struct world *w, struct query *q, const struct shape *shape)
{
	struct tr_agg_match match;
	struct run *r;

	make_query(w, q, shape->kind, false);
	q->keys[0] = shape->key;
	q->key_count = 1;
	q->agg_count = 1;
	assert_int_equal(
		tr_agg_resolve(&w->arena, shape->is_distinct ? "COUNT" : "SUM", w->in_types[V], true, &match, NULL),
		TR_OK);
	q->aggs[0] = (struct tr_agg_call){.agg = match.agg,
					  .type = match.type,
					  .arg_column = V,
					  .filter_column = -1,
					  .is_distinct = shape->is_distinct,
					  .text = "v"};
	q->window.size_ms = 100000;
	q->window.step_ms = 100000;
	q->window.offset_ms = 0;
	if (shape->is_processing_time) {
		q->window.is_processing_time = true;
		q->window.time_column = -1;
	}
	q->types[0] = w->in_types[shape->key];
	q->types[1] = match.type;
	q->output.column_count = 5;
	for (uint32_t c = 2; c < 5; c++)
		q->types[c] = tr_type_with_precision(&w->arena, TR_TYPE_TIMESTAMP, 3);
	r = run_create(w, q, shape->is_general, 0, true);
	r->has_twins = false;
	tasks_create(r, 1);
	set_clock(r, 1000);
	return r;
}

/** Gives the operator rows with keys from .. to; v is the key's number plus `more`. */
static inline void feed_keys(struct run *r, uint32_t from, uint32_t to, int64_t more)
{
	struct tr_batch_buffer *b = tr_batch_buffer_create(&r->q->input, to - from);

	for (uint32_t i = from; i < to; i++) {
		struct row row = {.ts = 1000 + i % 7, .k = (int64_t)i * 1000003, .v = i + more};

		sprintf(row.name, "the name with the number %u", i);
		put_row(b, i - from, &row);
	}
	tr_batch_buffer_seal(b, to - from);
	deal(r, &b->batch, r->q->keys);
	tr_batch_buffer_destroy(&b);
}

static inline void feed_many(struct run *r, uint32_t count, int64_t more)
{
	for (uint32_t i = 0; i < count; i += 2000)
		feed_keys(r, i, i + 2000, more);
}

/** All that is open fires. */
static inline void fire(struct run *r)
{
	if (r->q->window.is_processing_time)
		set_clock(r, 500000);
	else
		send_watermark(r, 500000);
}

#endif
