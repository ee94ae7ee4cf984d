/* SPDX-License-Identifier: Apache-2.0
 *
 * Window operators against a naive model that takes one row at a time.
 *
 * A case is a random query over a random stream (window_case.h), which the model answers (window_model.h). The same rows then go, in
 * batches of 1, 7 or many, with and without selections, through the general operator, the slices, and one to four
 * LOCAL operators with a GLOBAL one behind; whatever they emit may be answered with BLOCKED. Results are compared as
 * sorted lines, and so is the number of late rows.
 */
#include "window_sink.h"

/* -- running -- */

/** Gives rows [from, to) to a chain as one batch, then the watermark that was in force after them. */
static void feed(struct world *w, const struct query *q, struct tr_chain *chain, uint32_t from, uint32_t to,
		 bool with_selection, int64_t *sent)
{
	const uint32_t n = to - from;
	struct tr_batch_buffer *b = tr_batch_buffer_create(&q->input, 2 * n + 1);
	const int64_t after = to < w->row_count ? w->rows[to].watermark : w->last_watermark;
	uint32_t at = 0, *selection = calloc(2 * n + 1, sizeof(*selection)), selected = 0;
	struct tr_op *op = chain->ops[0];

	for (uint32_t i = from; i < to; i++) {
		if (with_selection && tr_test_below(&w->seed, 2)) { /* a row that a filter took out */
			struct row junk = w->rows[tr_test_below(&w->seed, w->row_count)];

			junk.ts = tr_test_below(&w->seed, 2) ? INT64_MIN : junk.ts - 100000;
			tr_batch_buffer_add_run(b, at, w->rows[i].watermark);
			put_row(b, at, &junk);
			if (tr_test_below(&w->seed, 5) == 0)
				tr_column_buffer_set_null(&b->columns[TS], at);
			at++;
		}
		tr_batch_buffer_add_run(b, at, w->rows[i].watermark);
		put_row(b, at, &w->rows[i]);
		selection[selected++] = at++;
	}
	tr_batch_buffer_seal(b, at);
	b->batch.watermark_ms = after;
	if (with_selection) {
		memcpy(b->selection, selection, selected * sizeof(*selection));
		b->batch.selection = b->selection;
		b->batch.selected_count = selected;
	}
	op->metrics.rows_in += selected;
	settle(chain, op->ops->on_batch(op, 0, &b->batch));
	tr_batch_buffer_destroy(&b);
	free(selection);
	if (after > *sent && tr_test_below(&w->seed, 3) != 0) {
		*sent = after;
		settle(chain, op->ops->on_watermark(op, 0, after));
	}
	if (op->ops->flush != NULL && tr_test_below(&w->seed, 50) == 0)
		settle(chain, op->ops->flush(op));
}

static void finish(struct tr_chain *chain)
{
	struct tr_op *op = chain->ops[0];

	settle(chain, op->ops->on_watermark(op, 0, TR_WATERMARK_MAX));
	settle(chain, op->ops->on_end != NULL ? op->ops->on_end(op, 0) : tr_op_emit_end(op));
}

static void run_single(struct world *w, const struct query *q, bool use_general, uint32_t batch_rows,
		       const struct text_list *want, uint64_t want_late)
{
	struct tr_window_plan plan = {.window = q->window,
				      .keys = q->keys,
				      .key_count = q->key_count,
				      .aggs = q->aggs,
				      .agg_count = q->agg_count,
				      .phase = TR_PHASE_SINGLE,
				      .use_general = use_general,
				      .input = &q->input,
				      .output = &q->output};
	struct tr_op_context context = {.arena = &w->arena, .batch_rows = 1 + tr_test_below(&w->seed, 100)};
	struct tr_chain chain = {0};
	struct sink *sink = sink_create(w, &context, tr_test_below(&w->seed, 2));
	struct tr_op *op;
	int64_t sent = TR_WATERMARK_MIN;
	const bool with_selection = tr_test_below(&w->seed, 2);

	assert_int_equal(tr_op_window_create(&plan, &context, &op, &context.status), TR_OK);
	tr_chain_append(&chain, op);
	tr_chain_append(&chain, &sink->op);
	for (uint32_t at = 0; at < w->row_count; at += batch_rows)
		feed(w, q, &chain, at, TR_MIN(at + batch_rows, w->row_count), with_selection, &sent);
	finish(&chain);
	assert_true(sink->is_ended);
	assert_true(sink->watermark == TR_WATERMARK_MAX);
	compare(want, &sink->lines, want_late, op->metrics.rows_late, use_general ? "general" : "slices");
	tr_chain_deinit(&chain);
}

static void run_two_phase(struct world *w, const struct query *q, uint32_t batch_rows, const struct text_list *want,
			  uint64_t want_late)
{
	struct tr_window_plan local = {.window = q->window,
				       .keys = q->keys,
				       .key_count = q->key_count,
				       .aggs = q->aggs,
				       .agg_count = q->agg_count,
				       .phase = TR_PHASE_LOCAL,
				       .input = &q->input};
	struct tr_window_plan global = local;
	struct tr_op_context context = {.arena = &w->arena, .batch_rows = 1 + tr_test_below(&w->seed, 100)};
	struct two_phase two = {.local_count = 1 + tr_test_below(&w->seed, LOCALS_MAX), .merged = TR_WATERMARK_MIN};
	struct tr_chain chains[LOCALS_MAX] = {{{0}}};
	uint32_t at[LOCALS_MAX], late = 0;
	int64_t sent[LOCALS_MAX];
	const uint32_t chunk = batch_rows * (1 + tr_test_below(&w->seed, 5));
	struct sink *sink = sink_create(w, &context, tr_test_below(&w->seed, 2));
	uint32_t left = two.local_count;

	assert_int_equal(tr_window_local_schema(&w->arena, &local, &local.output, &context.status), TR_OK);
	global.phase = TR_PHASE_GLOBAL;
	global.input = local.output;
	global.output = &q->output;
	assert_int_equal(tr_op_window_create(&global, &context, &two.global, &context.status), TR_OK);
	tr_chain_append(&two.chain, two.global);
	tr_chain_append(&two.chain, &sink->op);
	for (uint32_t i = 0; i < two.local_count; i++) {
		struct sink *bridge = sink_create(w, &context, tr_test_below(&w->seed, 2));
		struct tr_op *op;

		bridge->two = &two;
		bridge->number = i;
		two.watermarks[i] = sent[i] = TR_WATERMARK_MIN;
		at[i] = i * chunk;
		assert_int_equal(tr_op_window_create(&local, &context, &op, &context.status), TR_OK);
		tr_chain_append(&chains[i], op);
		tr_chain_append(&chains[i], &bridge->op);
	}
	while (left > 0) { /* chunks are dealt in turn; who goes next is random */
		const uint32_t i = tr_test_below(&w->seed, two.local_count);
		uint32_t to;

		if (at[i] == UINT32_MAX)
			continue;
		if (at[i] >= w->row_count) {
			finish(&chains[i]);
			at[i] = UINT32_MAX;
			left--;
			continue;
		}
		to = TR_MIN(TR_MIN(at[i] + batch_rows, (at[i] / chunk + 1) * chunk), w->row_count);
		feed(w, q, &chains[i], at[i], to, tr_test_below(&w->seed, 2), &sent[i]);
		at[i] = to % chunk == 0 ? to + (two.local_count - 1) * chunk : to;
	}
	for (uint32_t i = 0; i < two.local_count; i++) {
		late += (uint32_t)chains[i].ops[0]->metrics.rows_late;
		tr_chain_deinit(&chains[i]);
	}
	assert_int_equal(two.global->metrics.rows_late, 0);
	compare(want, &sink->lines, want_late, late, "two phases");
	tr_chain_deinit(&two.chain);
}

/** One operator behind an exchange: chunks of the stream reach it by several inputs, in any order between inputs. */
static void run_dealt(struct world *w, const struct query *q, bool use_general, uint32_t batch_rows,
		      const struct text_list *want, uint64_t want_late)
{
	struct tr_window_plan plan = {.window = q->window,
				      .keys = q->keys,
				      .key_count = q->key_count,
				      .aggs = q->aggs,
				      .agg_count = q->agg_count,
				      .phase = TR_PHASE_SINGLE,
				      .use_general = use_general,
				      .input = &q->input,
				      .output = &q->output};
	struct tr_op_context context = {.arena = &w->arena, .batch_rows = 64};
	struct sink *sink = sink_create(w, &context, false);
	const uint32_t inputs = 2 + tr_test_below(&w->seed, 3), chunk = batch_rows * 2;
	uint32_t at[8];
	int64_t watermarks[8], merged = TR_WATERMARK_MIN;
	struct tr_chain chain = {0};
	struct tr_op *op;

	assert_int_equal(tr_op_window_create(&plan, &context, &op, &context.status), TR_OK);
	tr_chain_append(&chain, op);
	tr_chain_append(&chain, &sink->op);
	for (uint32_t i = 0; i < inputs; i++) {
		at[i] = i * chunk;
		watermarks[i] = TR_WATERMARK_MIN;
	}
	while (merged != TR_WATERMARK_MAX) {
		const uint32_t i = tr_test_below(&w->seed, inputs);
		int64_t ignored = INT64_MAX, least = INT64_MAX;
		uint32_t to;

		if (at[i] < w->row_count) {
			to = TR_MIN(TR_MIN(at[i] + batch_rows, (at[i] / chunk + 1) * chunk), w->row_count);
			feed(w, q, &chain, at[i], to, false, &ignored);
			watermarks[i] = to < w->row_count ? w->rows[to].watermark : w->last_watermark;
			at[i] = to % chunk == 0 ? to + (inputs - 1) * chunk : to;
		} else {
			watermarks[i] = TR_WATERMARK_MAX;
		}
		for (uint32_t j = 0; j < inputs; j++)
			least = TR_MIN(least, watermarks[j]);
		if (least > merged)
			settle(&chain, op->ops->on_watermark(op, 0, merged = least));
	}
	compare(want, &sink->lines, want_late, op->metrics.rows_late, "several inputs");
	tr_chain_deinit(&chain);
}

static void run_all(struct world *w, const struct query *q)
{
	static const uint32_t sizes[] = {1, 7, 2048};
	const uint32_t batch_rows = sizes[tr_test_below(&w->seed, 3)];
	struct text_list want = {0};
	uint64_t late;

	model_run(w, q, &want, &late);
	run_single(w, q, true, batch_rows, &want, late);
	run_dealt(w, q, true, TR_MIN(batch_rows, 50), &want, late);
	if (!q->has_distinct && q->window.kind != TR_WINDOW_SESSION) {
		run_single(w, q, false, batch_rows, &want, late);
		run_dealt(w, q, false, TR_MIN(batch_rows, 50), &want, late);
		assert_true(tr_window_is_two_phase(&q->window, q->aggs, q->agg_count));
		run_two_phase(w, q, batch_rows, &want, late);
	}
	list_free(&want);
}

static void random_cases(enum tr_window_kind kind, uint64_t full)
{
	const uint64_t count = tr_test_cases(full);

	for (uint64_t n = 0; n < count; n++) {
		struct world *w = world_create((uint64_t)kind * 1000003 + n);
		const int64_t disorder = tr_test_below(&w->seed, 3) == 0 ? 0 : 1 + tr_test_below(&w->seed, 800);
		const int64_t delay =
			tr_test_below(&w->seed, 2) ? tr_test_below(&w->seed, 20) : tr_test_below(&w->seed, 900);
		struct query q;

		make_rows(w, 50 + tr_test_below(&w->seed, 900), n % 2 ? -3000 : 1000000000000 + (int64_t)n,
			  1 + tr_test_below(&w->seed, 20), disorder, delay, n % 3 ? 12 : 200);
		make_query(w, &q, kind, n % 4 == 0);
		run_all(w, &q);
		world_destroy(w);
	}
}

static void tumble(void **state) { random_cases(TR_WINDOW_TUMBLE, 60); }
static void hop(void **state) { random_cases(TR_WINDOW_HOP, 120); }
static void cumulate(void **state) { random_cases(TR_WINDOW_CUMULATE, 80); }
static void session(void **state) { random_cases(TR_WINDOW_SESSION, 60); }

/** Swaps rows of equal watermark at random: an order in which they might have arrived. */
static void shuffle_ties(struct world *w, uint32_t *order)
{
	for (uint32_t from = 0, to; from < w->row_count; from = to) {
		for (to = from; to < w->row_count; to++)
			if (w->rows[order[to]].watermark != w->rows[order[from]].watermark)
				break;
		for (uint32_t i = to - 1; i > from; i--) {
			const uint32_t other = from + tr_test_below(&w->seed, i - from + 1), kept = order[i];

			order[i] = order[other];
			order[other] = kept;
		}
	}
}

/** Watermarks that move in large steps: many rows share one, and some are saved by others of the same watermark. What joins
 * does not depend on the order of arrival, and no order lets in more. */
static void session_order(void **state)
{
	const int count = (int)TR_MAX(tr_test_cases(40), 4);
	uint64_t saved = 0; /* by the order, against those tried */

	for (int n = 0; n < count; n++) {
		struct world *w = world_create(7000 + (uint64_t)n);
		const int64_t unit = 100 + tr_test_below(&w->seed, 900);
		uint32_t order[ROWS_MAX];
		uint64_t late, other_late;
		struct text_list want = {0}, other = {0};
		struct query q;

		make_rows(w, 200 + tr_test_below(&w->seed, 400), n % 2 ? -3000 : 1000000,
			  1 + tr_test_below(&w->seed, 20), 1000, 20, 12);
		for (uint32_t i = 0; i < w->row_count; i++)
			if (w->rows[i].watermark != TR_WATERMARK_MIN)
				w->rows[i].watermark = floor_to(w->rows[i].watermark, unit);
		make_query(w, &q, TR_WINDOW_SESSION, false);
		model_order(w, &q, order);
		model_run_in(w, &q, order, &want, &late);
		for (int k = 0; k < 4; k++) {
			run_dealt(w, &q, true, 1 + tr_test_below(&w->seed, 20), &want, late);
			shuffle_ties(w, order);
			model_run_in(w, &q, order, &other, &other_late);
			list_free(&other);
			assert_true(other_late >= late);
			saved += other_late - late;
		}
		list_free(&want);
		world_destroy(w);
	}
	assert_true(saved > 0);
}

/** Days and hours of Berlin around both changes of its clocks. */
static void local_time(void **state)
{
	static const int64_t changes[] = {1616893200000, 1635642000000}; /* 2021-03-28 and 10-31, 01:00 UTC */

	const int count = (int)TR_MAX(tr_test_cases(80), 8); /* each kind at both changes */

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (int n = 0; n < count; n++) {
		static const enum tr_window_kind kinds[] = {TR_WINDOW_TUMBLE, TR_WINDOW_HOP, TR_WINDOW_CUMULATE,
							    TR_WINDOW_SESSION};
		static const int64_t steps[] = {900000, 1800000, 3600000, 7200000};
		struct world *w = world_create(77 + (uint64_t)n);
		struct query q;

		w->in_types[TS] = tr_type_with_precision(&w->arena, TR_TYPE_TIMESTAMP_LTZ, 3);
		make_rows(w, 400, changes[n % 2] - 4 * 3600000, 60000, n % 3 ? 3600000 : 0, 600000, 12);
		make_query(w, &q, kinds[n / 2 % 4], false);
		q.window.is_local_time = true;
		q.window.time_zone = "Europe/Berlin";
		q.window.step_ms = steps[tr_test_below(&w->seed, 4)];
		q.window.size_ms =
			q.window.step_ms * (q.window.kind == TR_WINDOW_TUMBLE || q.window.kind == TR_WINDOW_SESSION
						    ? 1
						    : 1 + tr_test_below(&w->seed, 4));
		if (n % 5 == 0 && q.window.kind == TR_WINDOW_TUMBLE)
			q.window.size_ms = 86400000;
		q.types[q.output.column_count - 1] = tr_type_with_precision(&w->arena, TR_TYPE_TIMESTAMP_LTZ, 3);
		run_all(w, &q);
		world_destroy(w);
	}
	unsetenv("TZ");
	tzset();
}

/** Many keys, few of them in each slice: slices turn from sparse to dense and slots are given to other keys. */
static void many_keys(void **state)
{
	const int count = (int)TR_MAX(tr_test_cases(12), 2); /* both kinds of window, in order and not */

	for (int n = 0; n < count; n++) {
		struct world *w = world_create(4000 + (uint64_t)n);
		struct query q;

		make_rows(w, ROWS_MAX, 0, 2, n % 2 ? 300 : 0, 100, 1000000);
		make_query(w, &q, n % 3 == 0 ? TR_WINDOW_TUMBLE : TR_WINDOW_HOP, false);
		q.window.offset_ms = 0;
		q.window.step_ms = 100;
		q.window.size_ms = n % 3 == 0 ? 500 : 1000;
		run_all(w, &q);
		world_destroy(w);
	}
}

/** Processing time: the clock of each step is the row's time; windows fire by timer and at the end. */
static void processing_time(void **state)
{
	const int count = (int)TR_MAX(tr_test_cases(60), 8);

	for (int n = 0; n < count; n++) {
		struct world *w = world_create(9000 + (uint64_t)n);
		struct query q;
		struct text_list want = {0};
		uint64_t late;
		struct tr_chain chain = {0};
		struct tr_op_context context = {.arena = &w->arena, .batch_rows = 16};
		struct sink *sink = sink_create(w, &context, n % 2);
		struct tr_op *op;
		int64_t unused = INT64_MAX;

		make_rows(w, 300, 5000, 20, 0, 1000000, 12);
		make_query(w, &q, (enum tr_window_kind)(n % 4), true);
		for (uint32_t i = 0; i < w->row_count; i++)
			w->rows[i].watermark = TR_WATERMARK_MIN;
		w->last_watermark = TR_WATERMARK_MIN;
		model_run(w, &q, &want, &late); /* with times that never go back, event time gives the same */
		q.window.is_processing_time = true;
		q.window.time_column = -1;
		struct tr_window_plan plan = {.window = q.window,
					      .keys = q.keys,
					      .key_count = q.key_count,
					      .aggs = q.aggs,
					      .agg_count = q.agg_count,
					      .phase = TR_PHASE_SINGLE,
					      .input = &q.input,
					      .output = &q.output};

		assert_int_equal(tr_op_window_create(&plan, &context, &op, &context.status), TR_OK);
		tr_chain_append(&chain, op);
		tr_chain_append(&chain, &sink->op);
		for (uint32_t i = 0; i < w->row_count; i++) {
			const int64_t now = w->rows[i].ts;

			context.program.processing_time_ms = now;
			if (op->timer_ms <= now)
				settle(&chain, op->ops->on_timer(op, now));
			assert_true(op->timer_ms > now);
			feed(w, &q, &chain, i, i + 1, false, &unused);
		}
		/* A session ends when the clock passes its end, also if the next row touches it: see the model's rule. */
		settle(&chain, op->ops->on_end(op, 0));
		if (q.window.kind != TR_WINDOW_SESSION)
			compare(&want, &sink->lines, 0, op->metrics.rows_late, "processing time");
		else
			assert_true(sink->lines.count >= want.count);
		assert_true(sink->is_ended);
		list_free(&want);
		tr_chain_deinit(&chain);
		world_destroy(w);
	}
}

/** What is wrong in a plan or in the data is said, not crashed on. */
static void refusals(void **state)
{
	struct world *w = world_create(1);
	struct tr_op_context context = {.arena = &w->arena, .batch_rows = 16};
	struct tr_agg_match match;
	struct query q;
	struct tr_op *op;
	struct tr_chain chain = {0};

	assert_int_equal(tr_agg_resolve(&w->arena, "SUM", tr_type_of(TR_TYPE_VARCHAR), true, &match, &context.status),
			 TR_ERR_DATA);
	assert_non_null(strstr(context.status.message, "SUM"));
	assert_int_equal(tr_agg_resolve(&w->arena, "SUM", NULL, true, &match, NULL), TR_ERR_DATA);
	assert_int_equal(tr_agg_resolve(&w->arena, "MEDIAN", NULL, true, &match, NULL), TR_ERR_DATA);
	make_rows(w, 10, 0, 10, 0, 0, 12);
	make_query(w, &q, TR_WINDOW_CUMULATE, false);
	q.window.size_ms = 10;
	q.window.step_ms = 3;
	struct tr_window_plan plan = {.window = q.window,
				      .keys = q.keys,
				      .key_count = q.key_count,
				      .aggs = q.aggs,
				      .agg_count = q.agg_count,
				      .phase = TR_PHASE_SINGLE,
				      .input = &q.input,
				      .output = &q.output};

	assert_int_equal(tr_op_window_create(&plan, &context, &op, &context.status), TR_ERR_DATA);
	plan.window.kind = TR_WINDOW_TUMBLE;
	plan.window.size_ms = 0;
	assert_int_equal(tr_op_window_create(&plan, &context, &op, &context.status), TR_ERR_DATA);
	plan.window.size_ms = 10;
	assert_int_equal(tr_op_window_create(&plan, &context, &op, &context.status), TR_OK);
	tr_chain_append(&chain, op);
	tr_chain_append(&chain, &sink_create(w, &context, false)->op);
	struct tr_batch_buffer *b = tr_batch_buffer_create(&q.input, 4);

	put_row(b, 0, &w->rows[0]);
	tr_column_buffer_set_null(&b->columns[TS], 0);
	tr_batch_buffer_seal(b, 1);
	assert_int_equal(op->ops->on_batch(op, 0, &b->batch), TR_FLOW_FAILED);
	assert_non_null(strstr(context.status.message, "ts"));
	tr_batch_buffer_destroy(&b);
	tr_chain_deinit(&chain);
	world_destroy(w);
}

/** Result types by Flink's rules. */
static void result_types(void **state)
{
	struct tr_arena arena;
	struct tr_agg_match m;

	tr_arena_init(&arena, 0);
	const struct tr_type *dec = tr_type_with_nullable(&arena, tr_type_decimal(&arena, 10, 2), false);

	assert_int_equal(tr_agg_resolve(&arena, "sum", tr_type_of(TR_TYPE_TINYINT), true, &m, NULL), TR_OK);
	assert_string_equal(tr_type_text(&arena, m.type), "TINYINT");
	assert_int_equal(tr_agg_resolve(&arena, "SUM", dec, true, &m, NULL), TR_OK);
	assert_string_equal(tr_type_text(&arena, m.type), "DECIMAL(38, 2) NOT NULL");
	assert_int_equal(tr_agg_resolve(&arena, "AVG", dec, false, &m, NULL), TR_OK);
	assert_string_equal(tr_type_text(&arena, m.type), "DECIMAL(38, 6)");
	assert_int_equal(tr_agg_resolve(&arena, "COUNT", NULL, false, &m, NULL), TR_OK);
	assert_string_equal(tr_type_text(&arena, m.type), "BIGINT NOT NULL");
	assert_int_equal(tr_agg_resolve(&arena, "MAX", tr_type_of(TR_TYPE_DATE), true, &m, NULL), TR_OK);
	assert_string_equal(tr_type_text(&arena, m.type), "DATE");
	assert_int_equal(tr_agg_resolve(&arena, "VAR_POP", dec, true, &m, NULL), TR_OK);
	assert_string_equal(tr_type_text(&arena, m.type), "DECIMAL(38, 6) NOT NULL");
	assert_int_equal(tr_agg_resolve(&arena, "stddev_samp", tr_type_of(TR_TYPE_FLOAT), true, &m, NULL), TR_OK);
	assert_string_equal(tr_type_text(&arena, m.type), "FLOAT");
	assert_int_equal(tr_agg_resolve(&arena, "ARRAY_AGG", dec, true, &m, NULL), TR_OK);
	assert_string_equal(tr_type_text(&arena, m.type), "ARRAY<DECIMAL(10, 2) NOT NULL> NOT NULL");
	assert_int_equal(tr_agg_resolve(&arena, "COLLECT", tr_type_of(TR_TYPE_INT), true, &m, NULL), TR_OK);
	assert_string_equal(tr_type_text(&arena, m.type), "MULTISET<INT> NOT NULL");
	assert_int_equal(tr_agg_resolve(&arena, "FIRST_VALUE", dec, false, &m, NULL), TR_OK);
	assert_string_equal(tr_type_text(&arena, m.type), "DECIMAL(10, 2)");
	tr_arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(result_types),  cmocka_unit_test(refusals),
		cmocka_unit_test(tumble),        cmocka_unit_test(hop),
		cmocka_unit_test(cumulate),      cmocka_unit_test(session),
		cmocka_unit_test(session_order), cmocka_unit_test(local_time),
		cmocka_unit_test(many_keys),     cmocka_unit_test(processing_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
