/* SPDX-License-Identifier: Apache-2.0
 *
 * The C API, from memory, on one worker: a keyed process function with a value for each of 100k keys, by row and by batch; filter,
 * map and a windowed count with functions in C against the same as SQL texts, which run on the operators of SQL; windows with an
 * aggregate in C against SQL's; and async functions, which answer at once or are answered by a thread, against a map by row.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/env.h"
#include "base/type.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "bench/engine_run.h"
#include "tailrace/async.h"
#include "tailrace/window_function.h"

#define ROWS ((size_t)1 << 22)
#define KEYS 100000
#define START_MS INT64_C(978307200000)

struct data {
	struct tr_schema schema;
	struct tr_arena arena;
	struct tr_bench_table table;
	struct tr_bench_sum sums[2];
	struct tr_env *envs[2]; /* ours, the bar's */
	struct tr_plan *plans[2];
};

struct side {
	struct data *data;
	int number;
};

static uint64_t run(void *context, uint32_t repeat, double *seconds)
{
	struct side *side = context;

	*seconds = 0;
	for (uint32_t r = 0; r < repeat; r++) {
		struct tr_engine_progress progress;
		double one;

		side->data->sums[side->number].rows = side->data->sums[side->number].total = 0;
		tr_bench_run(side->data->plans[side->number], &one, &progress);
		*seconds += one;
	}
	return (uint64_t)repeat * ROWS;
}

/* Functions. */

static tr_code open_count(struct tr_context *context, struct tr_status *st)
{
	tr_context_set_own(context, tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "sum",
									    .value_bytes = sizeof(int64_t))));
	return TR_OK;
}

/* Each time a key's sum passes a multiple of 2^20 it is told. */
static void add(struct tr_collector *out, int64_t *sum, int64_t key, int64_t value)
{
	const int64_t before = *sum >> 20;

	*sum += value;
	if (*sum >> 20 == before)
		return;
	tr_collector_set_i64(out, 0, key);
	tr_collector_set_i64(out, 1, *sum);
	tr_collector_add(out);
}

static tr_code count_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			 struct tr_status *st)
{
	add(out, tr_value_state_put(tr_context_own(context)), tr_row_i64(row, 1), tr_row_i64(row, 2));
	return TR_OK;
}

static tr_code count_batch(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			   struct tr_status *st)
{
	void *const *sums = tr_value_state_batch(tr_context_own(context));
	const int64_t *keys = batch->columns[1].data, *values = batch->columns[2].data;

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);

		add(out, sums[i], keys[row], values[row]);
	}
	return TR_OK;
}

/** value >= 100, and value * 2 + 1, by batch; the other columns are passed on. */
static tr_code filter_map(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			  struct tr_status *st)
{
	static _Thread_local uint32_t selection[TR_BATCH_ROWS_MAX];
	static _Thread_local int64_t doubled[TR_BATCH_ROWS_MAX];
	const int64_t *values = batch->columns[2].data;
	struct tr_column columns[3] = {batch->columns[0], batch->columns[1], batch->columns[2]};
	struct tr_batch result = *batch;
	uint32_t count = 0;

	for (uint32_t row = 0; row < batch->row_count; row++)
		doubled[row] = values[row] * 2 + 1;
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);

		selection[count] = row;
		count += values[row] >= 100;
	}
	columns[2].data = doubled;
	result.columns = columns;
	result.selection = selection;
	result.selected_count = count;
	tr_collector_add_batch(out, &result);
	return TR_OK;
}

/* Graphs. */

static struct tr_stream *source(struct data *d, int number)
{
	struct tr_env *env;
	struct tr_status st = {0};

	if (tr_env_create(&d->envs[number], &st) != TR_OK)
		abort();
	env = d->envs[number];
	tr_env_set(env, "parallelism.default", "1");
	return tr_env_scan(env, "memory", &d->table.spec, 3, -1, &TR_MAKE(tr_watermark_strategy, .time_column = "ts"));
}

static void finish(struct data *d, int number, struct tr_stream *stream)
{
	struct tr_env *env = d->envs[number];
	struct tr_status st = {0};
	const struct tr_node *node;
	struct tr_node *sink;

	if (stream->relation == NULL) {
		fprintf(stderr, "%s\n", tr_env_error(env, 0));
		abort();
	}
	sink = tr_plan_node(env->arena, TR_NODE_SINK, &stream->relation->node, 1);
	d->sums[number].spec = d->table.spec;
	d->sums[number].spec.connector = &tr_bench_summing;
	d->sums[number].spec.schema = stream->relation->node->output;
	sink->sink.table = &d->sums[number].spec;
	(void)tr_env_add_sink(env, "sum", sink);
	d->plans[number] = tr_env_plan(env, &st);
	if (d->plans[number] == NULL) {
		fprintf(stderr, "%s\n", st.message);
		abort();
	}
	/* The optimizer has copied the table's spec, without what lies behind it. */
	node = d->plans[number]->sinks[0];
	while (node->input_count == 1)
		node = node->inputs[0];
	((struct tr_node *)(uintptr_t)node)->scan.table = &d->table.spec;
}

static struct data *make(struct tr_bench_pair *pair)
{
	static const char *const names[] = {"ts", "k", "v"};
	struct data *d = calloc(1, sizeof(*d));
	const struct tr_type **types;
	struct side *sides = calloc(2, sizeof(*sides));

	tr_arena_init(&d->arena, 0);
	types = TR_NEW_ARRAY(&d->arena, 3, const struct tr_type *);
	types[0] = tr_type_with_precision(&d->arena, TR_TYPE_TIMESTAMP, 3);
	types[1] = types[2] = tr_type_of(TR_TYPE_BIGINT);
	d->schema = (struct tr_schema){3, names, types};
	d->table.data[0] = tr_data_times(ROWS, START_MS, UINT64_C(1000000000), 0, 1, 13);
	d->table.data[1] = tr_data_keys(ROWS, KEYS, 11);
	d->table.data[2] = tr_data_numbers(ROWS, 1000, 12);
	d->table.block_rows = d->table.rows = (int64_t)ROWS;
	d->table.spec = (struct tr_table_spec){.name = "memory",
					       .connector = &tr_bench_memory,
					       .schema = &d->schema,
					       .batch_rows = TR_BATCH_ROWS_DEFAULT,
					       .time_zone = "UTC"};
	sides[0] = (struct side){d, 0};
	sides[1] = (struct side){d, 1};
	pair->data = sides;
	pair->ours = (struct tr_harness_side){run, &sides[0]};
	return d;
}

static tr_code open_state(struct tr_bench_pair *pair, const struct tr_function *function)
{
	struct data *d = make(pair);

	finish(d, 0, tr_stream_process(tr_stream_key_by(source(d, 0), "k"), "k BIGINT, total BIGINT", function));
	snprintf(pair->note, sizeof(pair->note), "%d keys", KEYS);
	return TR_OK;
}

static tr_code open_by_row(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_state(pair, &TR_MAKE(tr_function, .open = open_count, .on_row = count_row));
}

static tr_code open_by_batch(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_state(pair, &TR_MAKE(tr_function, .open = open_count, .on_batch = count_batch));
}

static tr_code open_window(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = make(pair);
	struct tr_stream *ours, *bar;

	ours = tr_stream_flat_map(source(d, 0), "ts TIMESTAMP(3), k BIGINT, v BIGINT",
				  &TR_MAKE(tr_function, .on_batch = filter_map));
	bar = tr_stream_select(tr_stream_where(source(d, 1), "v >= 100"), "ts, k, v * 2 + 1 AS v");
	finish(d, 0,
	       tr_stream_window_aggregate(tr_stream_key_by(ours, "k"), tr_windows_tumbling(3600000),
					  "COUNT(*) AS n, SUM(v) AS total"));
	finish(d, 1,
	       tr_stream_window_aggregate(tr_stream_key_by(bar, "k"), tr_windows_tumbling(3600000),
					  "COUNT(*) AS n, SUM(v) AS total"));
	pair->bar = (struct tr_harness_side){run, &((struct side *)pair->data)[1]};
	snprintf(pair->note, sizeof(pair->note), "filter, map, count by %d keys; bar: SQL", KEYS);
	return TR_OK;
}

/* Windows with an aggregate in C. */

struct count_sum {
	int64_t count, sum;
};

static void add_row(void *user, void *accumulator, const struct tr_row *row)
{
	struct count_sum *a = accumulator;

	a->count++;
	a->sum += tr_row_i64(row, 2);
}

static void add_rows(void *user, void *const *accumulators, const struct tr_batch *batch)
{
	const int64_t *values = batch->columns[2].data;

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		struct count_sum *a = accumulators[i];

		a->count++;
		a->sum += values[tr_batch_row(batch, i)];
	}
}

static tr_code count_result(struct tr_context *context, const struct tr_window *window, const void *accumulator,
			    struct tr_collector *out, struct tr_status *st)
{
	const struct count_sum *a = accumulator;
	const struct tr_row key = tr_context_key(context);

	tr_collector_set_i64(out, 0, tr_row_i64(&key, 0));
	tr_collector_set_i64(out, 1, window->start_ms);
	tr_collector_set_i64(out, 2, window->end_ms);
	tr_collector_set_i64(out, 3, tr_window_last(window));
	tr_collector_set_i64(out, 4, a->count);
	tr_collector_set_i64(out, 5, a->sum);
	tr_collector_add(out);
	return TR_OK;
}

static tr_code open_fold(struct tr_bench_pair *pair, bool is_batch)
{
	struct data *d = make(pair);
	const struct tr_window_function function =
		TR_MAKE(tr_window_function, .accumulator_bytes = sizeof(struct count_sum), .add = add_row,
			.add_batch = is_batch ? add_rows : NULL, .result = count_result);

	finish(d, 0,
	       tr_stream_window_process(tr_stream_key_by(source(d, 0), "k"), tr_windows_tumbling(3600000),
					"k BIGINT, window_start TIMESTAMP(3), window_end TIMESTAMP(3), window_time "
					"TIMESTAMP(3), n BIGINT, total BIGINT",
					&function, NULL));
	finish(d, 1,
	       tr_stream_window_aggregate(tr_stream_key_by(source(d, 1), "k"), tr_windows_tumbling(3600000),
					  "COUNT(*) AS n, SUM(v) AS total"));
	pair->bar = (struct tr_harness_side){run, &((struct side *)pair->data)[1]};
	snprintf(pair->note, sizeof(pair->note), "%d keys; bar: SQL's aggregates", KEYS);
	return TR_OK;
}

static tr_code open_fold_row(struct tr_bench_pair *pair, struct tr_status *st) { return open_fold(pair, false); }

static tr_code open_fold_batch(struct tr_bench_pair *pair, struct tr_status *st) { return open_fold(pair, true); }

/* The sum of a user's, beside SUM. */

static tr_code sum_add(struct tr_user_context *context, void *const *accumulators, const struct tr_batch *arguments,
		       struct tr_status *st)
{
	const int64_t *values = arguments->columns[0].data;

	for (uint32_t i = 0; i < arguments->selected_count; i++)
		*(int64_t *)accumulators[i] += values[tr_batch_row(arguments, i)];
	return TR_OK;
}

static tr_code sum_merge(struct tr_user_context *context, void *accumulator, const void *other, struct tr_status *st)
{
	*(int64_t *)accumulator += *(const int64_t *)other;
	return TR_OK;
}

static tr_code sum_value(struct tr_user_context *context, const void *accumulator, struct tr_collector *out,
			 struct tr_status *st)
{
	tr_collector_set_i64(out, 0, *(const int64_t *)accumulator);
	return TR_OK;
}

TR_USER_FUNCTION(bench_total, .kind = TR_USER_AGGREGATE, .arguments = "BIGINT", .result = "BIGINT",
		 .accumulator_bytes = sizeof(int64_t), .add_batch = sum_add, .merge = sum_merge, .value = sum_value);

static tr_code open_aggregate(struct tr_bench_pair *pair, struct tr_status *st)
{
	static const char *const aggregates[] = {"COUNT(*) AS n, total(v) AS total", "COUNT(*) AS n, SUM(v) AS total"};
	struct data *d = make(pair);

	for (int i = 0; i < 2; i++) {
		struct tr_stream *stream = source(d, i);

		tr_env_create_function(d->envs[i], "total", &bench_total);
		finish(d, i,
		       tr_stream_window_aggregate(tr_stream_key_by(stream, "k"), tr_windows_tumbling(3600000),
						  aggregates[i]));
	}
	pair->bar = (struct tr_harness_side){run, &((struct side *)pair->data)[1]};
	snprintf(pair->note, sizeof(pair->note), "a sum by %d keys; bar: SUM", KEYS);
	return TR_OK;
}

/* Async functions: each row as it came. */

#define IN_FLIGHT 4096

static void pass(struct tr_collector *out, const struct tr_row *row)
{
	for (uint32_t c = 0; c < 3; c++)
		tr_collector_set_i64(out, c, tr_row_i64(row, c));
}

static tr_code map_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		       struct tr_status *st)
{
	pass(out, row);
	return TR_OK;
}

static tr_code answer_at_once(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			      struct tr_status *st)
{
	struct tr_collector *out = tr_async_out(request);

	pass(out, row);
	tr_collector_add(out);
	tr_async_complete(request);
	return TR_OK;
}

/** One thread that answers what it is asked. */
struct answerer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct tr_async_request *requests[IN_FLIGHT];
	uint32_t count;
	bool is_over;
};

static void *answer_all(void *argument)
{
	static _Thread_local struct tr_async_request *taken[IN_FLIGHT];
	struct answerer *a = argument;
	uint32_t count = 1;

	while (count > 0) {
		pthread_mutex_lock(&a->lock);
		while (a->count == 0 && !a->is_over)
			pthread_cond_wait(&a->changed, &a->lock);
		count = a->count;
		memcpy(taken, a->requests, count * sizeof(struct tr_async_request *));
		a->count = 0;
		pthread_mutex_unlock(&a->lock);
		for (uint32_t i = 0; i < count; i++) {
			const struct tr_row row = tr_async_row(taken[i]);

			pass(tr_async_out(taken[i]), &row);
			tr_collector_add(tr_async_out(taken[i]));
			tr_async_complete(taken[i]);
		}
	}
	return NULL;
}

static tr_code open_answerer(struct tr_context *context, struct tr_status *st)
{
	struct answerer *a = calloc(1, sizeof(*a));

	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	if (pthread_create(&a->thread, NULL, answer_all, a) != 0)
		abort();
	tr_context_set_own(context, a);
	return TR_OK;
}

static tr_code ask(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
		   struct tr_status *st)
{
	struct answerer *a = tr_context_own(context);

	pthread_mutex_lock(&a->lock);
	a->requests[a->count++] = request;
	if (a->count == 1)
		pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
	return TR_OK;
}

static void close_answerer(struct tr_context *context)
{
	struct answerer *a = tr_context_own(context);

	pthread_mutex_lock(&a->lock);
	a->is_over = true;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static tr_code open_async(struct tr_bench_pair *pair, const struct tr_async_function *function)
{
	static const char *const columns = "ts TIMESTAMP(3), k BIGINT, v BIGINT";
	struct data *d = make(pair);

	finish(d, 0,
	       tr_stream_async(source(d, 0), columns, function, &TR_MAKE(tr_async_options, .capacity = IN_FLIGHT)));
	finish(d, 1, tr_stream_map(source(d, 1), columns, &TR_MAKE(tr_function, .on_row = map_row)));
	pair->bar = (struct tr_harness_side){run, &((struct side *)pair->data)[1]};
	snprintf(pair->note, sizeof(pair->note), "%d in flight; bar: a map by row", IN_FLIGHT);
	return TR_OK;
}

static tr_code open_async_at_once(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_async(pair, &TR_MAKE(tr_async_function, .on_row = answer_at_once));
}

static tr_code open_async_thread(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_async(pair,
			  &TR_MAKE(tr_async_function, .on_row = ask, .open = open_answerer, .close = close_answerer));
}

static void close_pair(struct tr_bench_pair *pair)
{
	struct side *sides = pair->data;
	struct data *d = sides[0].data;

	for (int i = 0; i < 2; i++)
		tr_env_destroy(&d->envs[i]);
	for (int i = 0; i < 3; i++)
		tr_harness_free((void *)(uintptr_t)d->table.data[i], ROWS * 8);
	tr_arena_deinit(&d->arena);
	free(d);
	free(sides);
}

const struct tr_bench_case tr_bench_stream_cases[] = {
	{.name = "stream-state-row",
	 .work = "a keyed process function in C, row by row, with a value for each key",
	 .unit = "rows",
	 .must_rate = 10e6,
	 .open = open_by_row,
	 .close = close_pair},
	{.name = "stream-state-batch",
	 .work = "the same by batch",
	 .unit = "rows",
	 .must_rate = 10e6,
	 .open = open_by_batch,
	 .close = close_pair},
	{.name = "stream-window",
	 .work = "filter and map in C before a windowed count, against SQL",
	 .unit = "rows",
	 .must_ratio = 0.9,
	 .open = open_window,
	 .close = close_pair},
	{.name = "stream-fold-row",
	 .work = "tumbling windows with an aggregate in C, row by row, against SQL's",
	 .unit = "rows",
	 .open = open_fold_row,
	 .close = close_pair},
	{.name = "stream-fold-batch",
	 .work = "the same by batch",
	 .unit = "rows",
	 .open = open_fold_batch,
	 .close = close_pair},
	{.name = "stream-user-aggregate",
	 .work = "a windowed sum as an aggregate in C, against SUM",
	 .unit = "rows",
	 .open = open_aggregate,
	 .close = close_pair},
	{.name = "stream-async-at-once",
	 .work = "an async function in C that answers in its callback, against a map",
	 .unit = "rows",
	 .open = open_async_at_once,
	 .close = close_pair},
	{.name = "stream-async-thread",
	 .work = "the same, answered by another thread",
	 .unit = "rows",
	 .open = open_async_thread,
	 .close = close_pair},
	{.name = NULL},
};
