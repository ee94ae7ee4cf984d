/* SPDX-License-Identifier: Apache-2.0
 *
 * What checkpoints cost a window: COUNT(*) by 1M and 10M random keys over tumbling windows, one operator on one thread,
 * with a snapshot to blocks in memory every 100 ms against none; and how long the operator is held up for one. A step of
 * the snapshot follows each batch, as in the engine.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/column_buffer.h"
#include "base/type.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "core/ops/op_window.h"
#include "state/block.h"

#define ROWS ((size_t)16 << 20) /* of a window, and of the table of keys */
#define BATCH_ROWS 2048
#define WINDOW_MS 3600000
#define INTERVAL_SECONDS 0.1
#define STEP_BYTES ((size_t)128 << 10)
#define PAUSES_MAX 200000

struct side {
	struct tr_arena arena;
	struct tr_op_context context;
	struct tr_window_plan plan;
	struct tr_agg_call call;
	uint32_t key_column;
	struct tr_schema input, output;
	const char *names[5];
	const struct tr_type *input_types[2], *output_types[5];
	struct tr_op *op;
	struct tr_op sink;
	const int64_t *keys;
	size_t at; /* next row of the keys */
	int64_t window;
	int64_t times[BATCH_ROWS];
	/* Checkpoints: */
	struct tr_block_writer writer;
	uint64_t checkpoint, completed;
	bool is_writing;
	double begun; /* when the last one did */
	uint64_t bytes;
	double *pauses;
	uint32_t pause_count;
};

struct data {
	struct side with, without;
	int64_t *keys;
};

static enum tr_flow take_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch) { return TR_FLOW_MORE; }
static enum tr_flow take_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms) { return TR_FLOW_MORE; }

static const struct tr_op_ops sink_ops = {.name = "nothing", .on_batch = take_batch, .on_watermark = take_watermark};

static tr_code side_open(struct side *s, const int64_t *keys, bool has_checkpoints, struct tr_status *st)
{
	struct tr_agg_match match;

	tr_arena_init(&s->arena, 0);
	s->keys = keys;
	s->names[0] = "ts";
	s->names[1] = "key";
	s->input_types[0] = tr_type_with_precision(&s->arena, TR_TYPE_TIMESTAMP, 3);
	s->input_types[1] = tr_type_with_nullable(&s->arena, tr_type_of(TR_TYPE_BIGINT), false);
	s->input = (struct tr_schema){2, s->names, s->input_types};
	TR_TRY(tr_agg_resolve(&s->arena, "COUNT", NULL, true, &match, st));
	s->call = (struct tr_agg_call){
		.agg = match.agg, .type = match.type, .arg_column = -1, .filter_column = -1, .text = "COUNT(*)"};
	s->output_types[0] = s->input_types[1];
	s->output_types[1] = match.type;
	for (int i = 2; i < 5; i++)
		s->output_types[i] = s->input_types[0];
	s->names[2] = s->names[3] = s->names[4] = "time";
	s->output = (struct tr_schema){5, s->names, s->output_types};
	s->key_column = 1;
	s->plan = (struct tr_window_plan){
		.window = {.kind = TR_WINDOW_TUMBLE, .size_ms = WINDOW_MS, .time_zone = "UTC", .time_column = 0},
		.keys = &s->key_column,
		.key_count = 1,
		.aggs = &s->call,
		.agg_count = 1,
		.phase = TR_PHASE_SINGLE,
		.input = &s->input,
		.output = &s->output};
	s->context = (struct tr_op_context){
		.arena = &s->arena, .batch_rows = BATCH_ROWS, .subtask_count = 1, .has_checkpoints = has_checkpoints};
	TR_TRY(tr_op_window_create(&s->plan, &s->context, &s->op, st));
	s->sink = (struct tr_op){.ops = &sink_ops, .context = &s->context};
	s->op->next = &s->sink;
	s->pauses = calloc(PAUSES_MAX, sizeof(*s->pauses));
	return TR_OK;
}

static void side_close(struct side *s)
{
	if (s->op != NULL)
		s->op->ops->destroy(s->op);
	tr_block_writer_deinit(&s->writer);
	free(s->pauses);
	tr_arena_deinit(&s->arena);
}

static void throw_blocks_away(struct side *s, bool only_full)
{
	struct tr_state_block *block = tr_block_writer_take(&s->writer, only_full);

	while (block != NULL) {
		struct tr_state_block *next = block->next;

		s->bytes += block->length;
		tr_state_block_destroy(&block);
		block = next;
	}
}

/** Between two batches: a barrier if it is time, a step of the snapshot. */
static void checkpoint(struct side *s)
{
	const double now = tr_harness_seconds();
	struct tr_status st;
	enum tr_flow flow;
	uint64_t base;

	if (!s->is_writing) {
		const struct tr_state_stream stream = {.subtask_count = 1};
		const struct tr_snapshot_order order = {.checkpoint = s->checkpoint + 1, .completed = s->completed};

		if (now - s->begun < INTERVAL_SECONDS)
			return;
		s->begun = now;
		s->checkpoint++;
		s->is_writing = true;
		tr_block_writer_begin(&s->writer, &stream, s->checkpoint);
		if (s->op->ops->snapshot(s->op, &order, &s->writer.writer, &base, &st) != TR_OK)
			abort();
	}
	flow = s->op->ops->snapshot_step(s->op, &s->writer.writer, STEP_BYTES, &st);
	if (flow == TR_FLOW_FAILED)
		abort();
	if (s->pause_count < PAUSES_MAX)
		s->pauses[s->pause_count++] = tr_harness_seconds() - now;
	throw_blocks_away(s, flow == TR_FLOW_MORE);
	if (flow == TR_FLOW_DONE) {
		s->is_writing = false;
		s->completed = s->checkpoint;
	}
}

static void run_batches(struct side *s, size_t rows)
{
	for (size_t done = 0; done < rows; done += BATCH_ROWS) {
		const struct tr_column columns[2] = {{.type = s->input_types[0], .data = s->times},
						     {.type = s->input_types[1], .data = s->keys + s->at}};
		const struct tr_batch batch = {.schema = &s->input,
					       .row_count = BATCH_ROWS,
					       .selected_count = BATCH_ROWS,
					       .columns = columns,
					       .watermark_ms = TR_WATERMARK_MIN};

		if (s->op->ops->on_batch(s->op, 0, &batch) != TR_FLOW_MORE)
			abort();
		s->at += BATCH_ROWS;
		if (s->context.has_checkpoints)
			checkpoint(s);
		if (s->at < ROWS)
			continue;
		s->at = 0;
		s->window++;
		for (uint32_t i = 0; i < BATCH_ROWS; i++)
			s->times[i] = s->window * WINDOW_MS;
		if (s->op->ops->on_watermark(s->op, 0, s->window * WINDOW_MS - 1) != TR_FLOW_MORE)
			abort();
	}
}

static uint64_t run(void *context, uint32_t repeat, double *seconds)
{
	run_batches(context, (size_t)repeat * ROWS);
	return (uint64_t)repeat * ROWS;
}

static tr_code open_with(struct tr_bench_pair *pair, size_t keys, struct tr_status *st)
{
	struct data *d = calloc(1, sizeof(*d));

	pair->data = d;
	d->keys = tr_data_keys(ROWS, keys, 31);
	TR_TRY(side_open(&d->with, d->keys, true, st));
	TR_TRY(side_open(&d->without, d->keys, false, st));
	pair->ours = (struct tr_harness_side){run, &d->with};
	pair->bar = (struct tr_harness_side){run, &d->without};
	run_batches(&d->with, ROWS);
	snprintf(pair->note, sizeof(pair->note), "the bar is ours without checkpoints; %zu M rows a window", ROWS >> 20);
	return TR_OK;
}

static tr_code open_1m(struct tr_bench_pair *pair, struct tr_status *st) { return open_with(pair, 1000000, st); }

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	side_close(&d->with);
	side_close(&d->without);
	tr_harness_free(d->keys, ROWS * sizeof(int64_t));
	free(d);
}

static int compare_pauses(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/** p99 of what a barrier and one step take, in ms. */
static tr_code observe(size_t keys, double *value, char *note, size_t room, struct tr_status *st)
{
	struct side *s = calloc(1, sizeof(*s));
	int64_t *data = tr_data_keys(ROWS, keys, 31);
	tr_code code = side_open(s, data, true, st);

	if (code == TR_OK) {
		run_batches(s, 8 * ROWS);
		qsort(s->pauses, s->pause_count, sizeof(*s->pauses), compare_pauses);
		*value = s->pauses[s->pause_count * 99 / 100] * 1e3;
		snprintf(note, room, "p99; greatest %.2f ms; %llu checkpoints of %.1f MB in the mean",
			 s->pauses[s->pause_count - 1] * 1e3, (unsigned long long)s->completed,
			 (double)s->bytes / 1e6 / (double)s->completed);
	}
	side_close(s);
	tr_harness_free(data, ROWS * sizeof(int64_t));
	free(s);
	return code;
}

static tr_code observe_1m(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe(1000000, value, note, room, st);
}
static tr_code observe_10m(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe(10000000, value, note, room, st);
}

/** How long it takes to load a checkpoint of 10M entries from memory, in ms. */
static tr_code observe_load(double *value, char *note, size_t room, struct tr_status *st)
{
	const struct tr_state_stream stream = {.subtask_count = 1};
	const struct tr_snapshot_order order = {.checkpoint = 1};
	const struct tr_state_origin origin = {.subtask_count = 1, .checkpoint = 1};
	struct side *from = calloc(1, sizeof(*from)), *to = calloc(1, sizeof(*to));
	int64_t *data = tr_data_keys(ROWS, 10000000, 31);
	struct tr_state_block *block;
	double begun;
	uint64_t base, bytes = 0;

	TR_TRY(side_open(from, data, false, st));
	TR_TRY(side_open(to, data, true, st));
	run_batches(from, ROWS - BATCH_ROWS); /* the window stays open */
	tr_block_writer_begin(&from->writer, &stream, 1);
	TR_TRY(from->op->ops->snapshot(from->op, &order, &from->writer.writer, &base, st));
	block = tr_block_writer_take(&from->writer, false);
	begun = tr_harness_seconds();
	while (block != NULL) {
		struct tr_state_block *next = block->next;
		struct tr_state_record record;
		size_t offset = 0;
		tr_code code;

		while (tr_block_next(block->bytes, block->length, &offset, &record, &code, st))
			TR_TRY(to->op->ops->load(to->op, &origin, &record, st));
		TR_TRY(code);
		bytes += block->length;
		tr_state_block_destroy(&block);
		block = next;
	}
	TR_TRY(to->op->ops->load_end(to->op, st));
	*value = (tr_harness_seconds() - begun) * 1e3;
	snprintf(note, room, "%.1f MB", (double)bytes / 1e6);
	side_close(from);
	side_close(to);
	tr_harness_free(data, ROWS * sizeof(int64_t));
	free(from);
	free(to);
	return TR_OK;
}

const struct tr_bench_case tr_bench_snapshot_cases[] = {
	{"snapshot-1m", "tumbling COUNT(*) by 1,000,000 keys with a snapshot every 100 ms, against none", "rows", 0.9,
	 0, 400, open_1m, data_close},
	{"snapshot-pause-1m", "barrier and one step of 128 KiB, 1,000,000 keys, snapshots every 100 ms", "ms", 0, 0, 0,
	 NULL, NULL, observe_1m, 1.0},
	{"snapshot-pause-10m", "the same with 10,000,000 keys", "ms", 0, 0, 0, NULL, NULL, observe_10m, 1.0},
	{"snapshot-load-10m", "loading the entries of 10,000,000 keys from memory", "ms", 0, 0, 0, NULL, NULL,
	 observe_load, 2000},
	{.name = NULL},
};
