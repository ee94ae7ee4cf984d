/* SPDX-License-Identifier: Apache-2.0
 *
 * A source and a sink for tests of the runtime, as connectors like any other.
 *
 * The source has splits of rows made from a seed; positions are bytes (each record has RECORD_BYTES), chunk borders lie
 * anywhere. A reader guesses where its chunk starts; some guesses are wrong on purpose, and what is decoded from there
 * is garbage: rows that do not exist, NULL times, or an error. Polls are BLOCKED now and then.
 *
 * The sink keeps every row with the watermark in force for it, and can be slow (BLOCKED) or fail.
 */
#ifndef TR_TEST_HARNESS_H
#define TR_TEST_HARNESS_H

#include <pthread.h>
#include <stdatomic.h>

#include "tr_test.h"

#include "base/check.h"
#include "core/engine.h"
#include "core/plan.h"
#include "io/disk.h"
#include "io/sink.h"
#include "io/source.h"

#define RECORD_BYTES 10
#define SPLITS_MAX 16

enum { COL_ID, COL_TIME, COL_WATERMARK, COL_KEEP, COL_TEXT, COL_COUNT };

struct harness_row {
	int64_t id;
	int64_t time_ms;
	int64_t watermark_ms; /* of the row: time less a delay */
	bool keep;
};

/** Settings of one test job; the connector finds them by the table's name. */
struct harness {
	/* source */
	uint32_t split_count;
	uint32_t rows_per_split;
	uint32_t chunk_bytes;
	uint32_t wrong_percent; /* guesses that are wrong */
	uint32_t blocked_percent;
	int64_t null_time_id; /* row whose time is NULL; -1: none */
	int64_t fail_id;      /* row that can't be decoded; -1: none */
	bool is_unbounded;    /* never ends: BLOCKED for ever after the last row */
	uint64_t seed;
	struct harness_row *rows; /* split * rows_per_split + i */
	/* sink */
	uint32_t sink_blocked_percent;
	int64_t sink_fail_id; /* -1: none */
	pthread_mutex_t lock;
	struct sunk {
		int64_t id;
		int64_t stamp_ms;
		uint32_t subtask;
		bool is_text_good;
		const char *table;
	} * sunk;
	size_t sunk_count;
	size_t sunk_capacity;
	uint32_t finished; /* sinks that have finished */
	uint32_t closed;
	atomic_int rewinds;
};

static struct harness *harness_current; /* one job at a time in a test program */

static int64_t harness_row_id(uint64_t split, uint64_t i) { return (int64_t)(split * 100000000 + i); }

static void harness_init(struct harness *h, uint64_t seed, uint32_t splits, uint32_t rows)
{
	memset(h, 0, sizeof(*h));
	h->seed = seed;
	h->split_count = splits;
	h->rows_per_split = rows;
	h->chunk_bytes = 1000;
	h->null_time_id = h->fail_id = h->sink_fail_id = -1;
	pthread_mutex_init(&h->lock, NULL);
	h->rows = calloc((size_t)splits * rows + 1, sizeof(*h->rows));
	for (uint32_t s = 0; s < splits; s++) {
		int64_t time_ms = 1000000;

		for (uint32_t i = 0; i < rows; i++) {
			struct harness_row *row = &h->rows[(size_t)s * rows + i];

			time_ms += tr_test_below(&seed, 40);
			row->id = harness_row_id(s, i);
			row->time_ms = time_ms - (tr_test_below(&seed, 10) == 0 ? tr_test_below(&seed, 3000) : 0);
			row->watermark_ms = row->time_ms - 500;
			row->keep = tr_test_below(&seed, 3) != 0;
		}
	}
	harness_current = h;
}

static void harness_deinit(struct harness *h)
{
	free(h->rows);
	free(h->sunk);
	pthread_mutex_destroy(&h->lock);
}

/* The source. */

struct tr_source {
	struct harness *h;
	pthread_mutex_t lock;
	uint64_t next_chunk[SPLITS_MAX];
	bool is_silent; /* the table named "silent": one split that never has a row */
	uint64_t begun;
	uint64_t oldest;
	char names[SPLITS_MAX][16];
	uint64_t barrier;
	struct tr_chunk_position *restored;
	uint64_t restored_count;
	uint64_t restored_next;
};

struct tr_source_reader {
	struct tr_source *source;
	struct tr_source_context *context;
	uint64_t random;
	bool has_chunk;
	bool is_first;
	uint64_t split;
	uint64_t chunk;
	int64_t start;    /* as reported */
	int64_t position; /* of the next record */
	int64_t limit;    /* the chunk's border */
	uint64_t barrier;
	bool is_told;
};

static int64_t split_bytes(const struct harness *h) { return (int64_t)h->rows_per_split * RECORD_BYTES; }

static bool source_is_bounded(const struct tr_table_spec *spec) { return !harness_current->is_unbounded; }

static tr_code source_open(const struct tr_table_spec *spec, struct tr_environment *env, uint32_t reader_count,
			   struct tr_source **source, struct tr_status *st)
{
	struct tr_source *s = calloc(1, sizeof(*s));

	s->h = harness_current;
	s->is_silent = strcmp(spec->name, "silent") == 0;
	pthread_mutex_init(&s->lock, NULL);
	for (int i = 0; i < SPLITS_MAX; i++)
		snprintf(s->names[i], sizeof(s->names[i]), "split %d", i);
	*source = s;
	return TR_OK;
}

static void source_close(struct tr_source **source)
{
	pthread_mutex_destroy(&(*source)->lock);
	free((*source)->restored);
	free(*source);
	*source = NULL;
}

static void source_progress(struct tr_source *source, uint64_t *known, uint64_t *begun)
{
	pthread_mutex_lock(&source->lock);
	*known = source->is_silent ? 1 : source->h->split_count;
	*begun = source->is_silent ? 1 : source->begun;
	pthread_mutex_unlock(&source->lock);
}

static const char *source_split_name(struct tr_source *source, uint64_t split) { return source->names[split]; }

static tr_code reader_open(struct tr_source *source, struct tr_source_context *context,
			   struct tr_source_reader **reader, struct tr_status *st)
{
	struct tr_source_reader *r = calloc(1, sizeof(*r));

	r->source = source;
	r->context = context;
	r->random = source->h->seed + context->subtask * 7919;
	*reader = r;
	return TR_OK;
}

static void reader_close(struct tr_source_reader **reader)
{
	free(*reader);
	*reader = NULL;
}

/** The first record start at or after `position`. */
static int64_t boundary(int64_t position) { return (position + RECORD_BYTES - 1) / RECORD_BYTES * RECORD_BYTES; }

/** Deals the next chunk, restored ones first. */
static enum tr_flow deal_chunk(struct tr_source_reader *r)
{
	struct tr_source *s = r->source;
	const struct harness *h = s->h;
	bool is_dealt = false;

	pthread_mutex_lock(&s->lock);
	if (r->barrier < s->barrier) {
		pthread_mutex_unlock(&s->lock);
		return TR_FLOW_BLOCKED;
	}
	if (s->restored_next < s->restored_count) {
		const struct tr_chunk_position *chunk = &s->restored[s->restored_next++];

		r->split = chunk->split;
		r->chunk = chunk->chunk;
		r->limit = chunk->limit;
		r->start = chunk->start;
		is_dealt = true;
	}
	while (s->oldest < h->split_count && !is_dealt) {
		const uint64_t split = s->oldest;
		const int64_t from = (int64_t)s->next_chunk[split] * h->chunk_bytes;

		if (from >= split_bytes(h) && s->next_chunk[split] > 0) {
			s->oldest++;
			continue;
		}
		r->split = split;
		r->chunk = s->next_chunk[split]++;
		s->begun = TR_MAX(s->begun, split + 1);
		r->limit = TR_MIN(from + h->chunk_bytes, split_bytes(h));
		r->start = boundary(from);
		if (r->chunk > 0 && tr_test_below(&r->random, 100) < h->wrong_percent)
			r->start += tr_test_below(&r->random, 2) ? 5 : RECORD_BYTES;
		is_dealt = true;
	}
	r->position = r->start;
	r->has_chunk = r->is_first = is_dealt;
	r->is_told = false;
	pthread_mutex_unlock(&s->lock);
	return is_dealt ? TR_FLOW_MORE : TR_FLOW_DONE;
}

/** Writes one record. False: it can't be decoded. */
static bool write_record(struct tr_source_reader *r, struct tr_batch_buffer *into, uint32_t at)
{
	const struct harness *h = r->source->h;
	const bool is_garbage = r->position % RECORD_BYTES != 0;
	const struct harness_row *row = &h->rows[r->split * h->rows_per_split + (uint64_t)r->position / RECORD_BYTES];
	char text[40];
	int length;

	if ((is_garbage && tr_test_below(&r->random, 4) == 0) || (!is_garbage && row->id == h->fail_id))
		return false;
	length = snprintf(text, sizeof(text), "text of row %lld", (long long)(is_garbage ? -1 : row->id));
	((int64_t *)into->columns[COL_ID].data)[at] = is_garbage ? -1 : row->id;
	((int64_t *)into->columns[COL_TIME].data)[at] = row->time_ms;
	((int64_t *)into->columns[COL_WATERMARK].data)[at] = is_garbage ? INT64_MAX / 2 : row->watermark_ms;
	((int8_t *)into->columns[COL_KEEP].data)[at] = row->keep;
	((struct tr_view *)into->columns[COL_TEXT].data)[at] =
		tr_batch_buffer_view(into, text, row->id % 5 == 0 && !is_garbage ? 7 : (uint32_t)length);
	if ((is_garbage && tr_test_below(&r->random, 4) == 0) || row->id == h->null_time_id) {
		tr_bit_clear(into->columns[COL_TIME].validity, at);
		into->columns[COL_TIME].has_nulls = true;
	}
	return true;
}

static enum tr_flow reader_poll(struct tr_source_reader *r, struct tr_batch_buffer *into, struct tr_chunk_info *info,
				struct tr_status *st)
{
	const struct harness *h = r->source->h;
	const uint32_t wanted = 1 + tr_test_below(&r->random, into->capacity);
	uint32_t rows = 0;

	if (tr_test_below(&r->random, 100) < h->blocked_percent) {
		r->context->wake_at_ns = tr_environment_monotonic_ns(r->context->env) + 1000;
		return TR_FLOW_BLOCKED;
	}
	if (r->source->is_silent)
		return h->is_unbounded ? TR_FLOW_BLOCKED : TR_FLOW_DONE;
	if (!r->has_chunk) {
		const enum tr_flow flow = deal_chunk(r);

		if (flow != TR_FLOW_MORE)
			return h->is_unbounded ? TR_FLOW_BLOCKED : flow;
		if (tr_test_below(&r->random, 100) < h->blocked_percent) { /* dealt, and nothing told of it */
			r->context->wake_at_ns = tr_environment_monotonic_ns(r->context->env) + 1000;
			return TR_FLOW_BLOCKED;
		}
	}
	r->is_told = true;
	info->split = r->split;
	info->chunk = r->chunk;
	info->start = r->start;
	info->limit = r->limit;
	info->is_first = r->is_first;
	r->is_first = false;
	while (rows < wanted && r->position < r->limit) {
		if (r->position / RECORD_BYTES >= h->rows_per_split)
			break;
		if (!write_record(r, into, rows)) {
			(void)tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE, "bad record at %lld of split %llu",
					    (long long)r->position, (unsigned long long)r->split);
			return TR_FLOW_FAILED;
		}
		rows++;
		r->position += RECORD_BYTES;
	}
	tr_batch_buffer_seal(into, rows);
	info->bytes = rows * RECORD_BYTES;
	if (r->position >= r->limit) {
		info->is_last = true;
		info->end = r->position;
		info->is_split_end = r->limit >= split_bytes(h);
		r->has_chunk = false;
	}
	return TR_FLOW_MORE;
}

static void reader_rewind(struct tr_source_reader *r, int64_t start)
{
	atomic_fetch_add(&r->source->h->rewinds, 1);
	r->start = r->position = start;
	r->has_chunk = r->is_first = true;
}

static bool reader_barrier(struct tr_source_reader *r, uint64_t checkpoint, struct tr_position_writer *writer)
{
	struct tr_source *s = r->source;
	bool is_first;

	assert_true(checkpoint > r->barrier);
	r->barrier = checkpoint;
	pthread_mutex_lock(&s->lock);
	is_first = checkpoint > s->barrier;
	s->barrier = TR_MAX(s->barrier, checkpoint);
	for (uint64_t i = 0; is_first && i < s->begun; i++) {
		const int64_t next = (int64_t)s->next_chunk[i] * s->h->chunk_bytes;

		writer->put_split(writer, &(struct tr_split_position){.split = i,
								      .next_chunk = s->next_chunk[i],
								      .next_start = next,
								      .is_dealt = next >= split_bytes(s->h),
								      .text = s->names[i]});
	}
	for (uint64_t i = s->restored_next; is_first && i < s->restored_count; i++)
		writer->put_chunk(writer, &s->restored[i]);
	pthread_mutex_unlock(&s->lock);
	if (r->has_chunk && !r->is_told)
		writer->put_chunk(writer,
				  &(struct tr_chunk_position){
					  .split = r->split, .chunk = r->chunk, .start = r->start, .limit = r->limit});
	return is_first;
}

static tr_code source_restore(struct tr_source *s, const struct tr_source_positions *positions, struct tr_status *st)
{
	for (uint64_t i = 0; i < positions->split_count; i++) {
		assert_string_equal(positions->splits[i].text, s->names[i]);
		s->next_chunk[i] = positions->splits[i].next_chunk;
	}
	s->begun = positions->split_count;
	s->restored_count = positions->chunk_count;
	s->restored = calloc(positions->chunk_count + 1, sizeof(*s->restored));
	for (uint64_t i = 0; i < positions->chunk_count; i++)
		s->restored[i] = positions->chunks[i];
	return TR_OK;
}

static const struct tr_source_ops harness_source_ops = {
	.is_bounded = source_is_bounded,
	.open = source_open,
	.close = source_close,
	.progress = source_progress,
	.split_name = source_split_name,
	.reader_open = reader_open,
	.reader_close = reader_close,
	.poll = reader_poll,
	.rewind = reader_rewind,
	.reader_barrier = reader_barrier,
	.restore = source_restore,
};

/* The sink. Its first two columns are id and text. */

struct tr_sink {
	struct harness *h;
	const char *table;
	struct tr_sink_context *context;
	uint64_t random;
	bool is_end_delayed;
};

static tr_code sink_open(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **sink,
			 struct tr_status *st)
{
	struct tr_sink *s = calloc(1, sizeof(*s));

	s->h = harness_current;
	s->table = spec->name;
	s->context = context;
	s->random = s->h->seed + 31 * context->subtask;
	*sink = s;
	return TR_OK;
}

/** BLOCKED now and then; the wake stands for a completion. */
static enum tr_flow sink_flow(struct tr_sink *s)
{
	if (tr_test_below(&s->random, 100) >= s->h->sink_blocked_percent)
		return TR_FLOW_MORE;
	tr_io_wake(s->context->io);
	return TR_FLOW_BLOCKED;
}

static bool text_is_good(int64_t id, const struct tr_view *view)
{
	char text[40];
	const int length = snprintf(text, sizeof(text), "text of row %lld", (long long)id);
	const uint32_t expected = id % 5 == 0 ? 7 : (uint32_t)length;

	return view->length == expected && memcmp(tr_view_text(view), text, expected) == 0;
}

static enum tr_flow sink_write(struct tr_sink *s, const struct tr_batch *batch, struct tr_status *st)
{
	struct harness *h = s->h;
	uint32_t run = 0;
	bool is_failed = false;

	pthread_mutex_lock(&h->lock);
	if (h->sunk_count + batch->selected_count > h->sunk_capacity) {
		h->sunk_capacity = (h->sunk_capacity + batch->selected_count) * 2;
		h->sunk = realloc(h->sunk, h->sunk_capacity * sizeof(*h->sunk));
	}
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		const int64_t id = tr_column_i64(&batch->columns[0], row);

		if (batch->run_count > 0)
			run = tr_batch_run_of(batch, row, run);
		h->sunk[h->sunk_count++] = (struct sunk){
			.id = id,
			.stamp_ms = batch->run_count > 0 ? batch->runs[run].watermark_ms : TR_WATERMARK_MIN,
			.subtask = s->context->subtask,
			.is_text_good = text_is_good(id, tr_column_view(&batch->columns[1], row)),
			.table = s->table,
		};
		is_failed |= id == h->sink_fail_id;
	}
	pthread_mutex_unlock(&h->lock);
	if (is_failed) {
		(void)tr_status_set(st, TR_ERR_IO, 0, TR_WHERE, "the sink is full");
		return TR_FLOW_FAILED;
	}
	return sink_flow(s);
}

static enum tr_flow sink_resume(struct tr_sink *s, struct tr_status *st) { return sink_flow(s); }
static enum tr_flow sink_tick(struct tr_sink *s, struct tr_status *st) { return TR_FLOW_MORE; }

static enum tr_flow sink_finish(struct tr_sink *s, struct tr_status *st)
{
	if (sink_flow(s) == TR_FLOW_BLOCKED)
		return TR_FLOW_BLOCKED;
	pthread_mutex_lock(&s->h->lock);
	s->h->finished++;
	pthread_mutex_unlock(&s->h->lock);
	return TR_FLOW_DONE;
}

static void sink_close(struct tr_sink **sink)
{
	(*sink)->h->closed++;
	free(*sink);
	*sink = NULL;
}

static const struct tr_sink_ops harness_sink_ops = {
	.open = sink_open,
	.write = sink_write,
	.resume = sink_resume,
	.tick = sink_tick,
	.finish = sink_finish,
	.close = sink_close,
};

static const struct tr_option_spec harness_options[] = {{.key = NULL}};
static const struct tr_connector harness_connector = {
	.name = "harness",
	.options = harness_options,
	.source = &harness_source_ops,
	.sink = &harness_sink_ops,
};

/* Plans. */

static const char *const harness_names[COL_COUNT] = {"id", "t", "w", "keep", "s"};

struct harness_plan {
	char job_id[33];
	struct tr_arena arena;
	struct tr_plan plan;
	struct tr_schema physical;
	struct tr_schema output; /* id, s */
	const struct tr_type *types[COL_COUNT];
	const struct tr_type *output_types[2];
	const char *output_names[2];
	uint32_t batch_rows;
};

static void harness_plan_init(struct harness_plan *p, uint32_t batch_rows, uint32_t workers, uint32_t credits)
{
	memset(p, 0, sizeof(*p));
	tr_arena_init(&p->arena, 0);
	p->batch_rows = batch_rows;
	p->types[COL_ID] = tr_type_of(TR_TYPE_BIGINT);
	p->types[COL_TIME] = p->types[COL_WATERMARK] = tr_type_with_precision(&p->arena, TR_TYPE_TIMESTAMP, 3);
	p->types[COL_KEEP] = tr_type_of(TR_TYPE_BOOLEAN);
	p->types[COL_TEXT] = tr_type_of(TR_TYPE_VARCHAR);
	p->physical = (struct tr_schema){COL_COUNT, harness_names, p->types};
	p->output_types[0] = p->types[COL_ID];
	p->output_types[1] = p->types[COL_TEXT];
	p->output_names[0] = "id";
	p->output_names[1] = "s";
	p->output = (struct tr_schema){2, p->output_names, p->output_types};
	memset(p->job_id, '0', sizeof(p->job_id) - 1);
	p->plan = (struct tr_plan){
		.arena = &p->arena,
		.job_name = "test",
		.job_id = p->job_id,
		.batch_rows = batch_rows,
		.credits = credits,
		.workers = workers,
		.buffer_timeout_ms = 100,
		.time_zone = "UTC",
	};
}

static void harness_plan_deinit(struct harness_plan *p) { tr_arena_deinit(&p->arena); }

static const struct tr_expr *harness_column(struct harness_plan *p, uint32_t column)
{
	return tr_expr_column(&p->arena, column, p->types[column]);
}

static struct tr_table_spec *harness_table(struct harness_plan *p, const struct tr_schema *schema)
{
	struct tr_table_spec *table = TR_NEW(&p->arena, struct tr_table_spec);

	*table = (struct tr_table_spec){
		.name = "events",
		.connector = &harness_connector,
		.schema = schema,
		.time_zone = "UTC",
		.job_id = p->plan.job_id,
		.batch_rows = p->batch_rows,
	};
	return table;
}

/** All physical columns, with event time. */
static inline struct tr_node *harness_scan(struct harness_plan *p, uint32_t parallelism)
{
	struct tr_node *scan = tr_plan_node(&p->arena, TR_NODE_SCAN, NULL, 0);
	const struct tr_expr **exprs = TR_NEW_ARRAY(&p->arena, COL_COUNT, const struct tr_expr *);

	for (uint32_t i = 0; i < COL_COUNT; i++)
		exprs[i] = harness_column(p, i);
	scan->output = &p->physical;
	scan->parallelism = parallelism;
	scan->scan.table = harness_table(p, &p->physical);
	scan->scan.exprs = exprs;
	scan->scan.time_expr = exprs[COL_TIME];
	scan->scan.watermark_expr = exprs[COL_WATERMARK];
	scan->scan.time_name = "t";
	scan->scan.watermark_interval_ms = 200;
	scan->scan.is_bounded = !harness_current->is_unbounded;
	return scan;
}

static inline struct tr_node *harness_filter(struct harness_plan *p, const struct tr_node *input)
{
	struct tr_node *filter = tr_plan_node(&p->arena, TR_NODE_FILTER, &input, 1);

	filter->output = input->output;
	filter->parallelism = input->parallelism;
	filter->filter.condition = harness_column(p, COL_KEEP);
	return filter;
}

static inline struct tr_node *harness_project(struct harness_plan *p, const struct tr_node *input, uint32_t parallelism)
{
	struct tr_node *project = tr_plan_node(&p->arena, TR_NODE_PROJECT, &input, 1);
	const struct tr_expr **exprs = TR_NEW_ARRAY(&p->arena, 2, const struct tr_expr *);

	exprs[0] = harness_column(p, COL_ID);
	exprs[1] = harness_column(p, COL_TEXT);
	project->output = &p->output;
	project->parallelism = parallelism;
	project->project.exprs = exprs;
	return project;
}

static inline struct tr_node *harness_exchange(struct harness_plan *p, const struct tr_node *input,
					       enum tr_exchange_kind kind, uint32_t parallelism)
{
	struct tr_node *exchange = tr_plan_node(&p->arena, TR_NODE_EXCHANGE, &input, 1);
	uint32_t *keys = TR_NEW_ARRAY(&p->arena, 1, uint32_t);

	exchange->output = input->output;
	exchange->parallelism = parallelism;
	exchange->exchange.kind = kind;
	exchange->exchange.keys = keys; /* column 0: the id */
	exchange->exchange.key_count = kind == TR_EXCHANGE_HASH ? 1 : 0;
	return exchange;
}

static inline void harness_sink(struct harness_plan *p, const struct tr_node *input, uint32_t parallelism)
{
	struct tr_node *sink = tr_plan_node(&p->arena, TR_NODE_SINK, &input, 1);
	const struct tr_node **sinks = TR_NEW_ARRAY(&p->arena, 1, const struct tr_node *);

	sink->parallelism = parallelism;
	sink->sink.table = harness_table(p, &p->output);
	sinks[0] = sink;
	p->plan.sinks = sinks;
	p->plan.sink_count = 1;
}

/** Checks, creates, runs and destroys. */
static inline tr_code harness_run(struct harness_plan *p, struct tr_engine_progress *progress, struct tr_status *st)
{
	struct tr_environment *env = NULL;
	struct tr_engine *engine = NULL;
	tr_code code;

	assert_int_equal(tr_environment_real_create(&env, st), TR_OK);
	code = tr_plan_check(&p->plan, st);
	if (code != TR_OK)
		fail_msg("%s", st->message);
	code = tr_engine_create(&p->plan, env, &engine, st);
	if (code == TR_OK)
		code = tr_engine_run(engine, st);
	if (progress != NULL && engine != NULL)
		tr_engine_progress(engine, progress);
	tr_engine_destroy(&engine);
	tr_environment_real_destroy(&env);
	return code;
}

static inline int harness_compare(const void *a, const void *b)
{
	const struct sunk *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/** Every row (or every kept one) has arrived once, whole, and with the watermark of a sequential reader. */
static inline void harness_check_rows(struct harness *h, bool only_kept, bool with_stamps)
{
	size_t at = 0;

	qsort(h->sunk, h->sunk_count, sizeof(*h->sunk), harness_compare);
	for (uint32_t s = 0; s < h->split_count; s++) {
		int64_t current = 0, last = 0; /* Flink's assigner, a row at a time */

		for (uint32_t i = 0; i < h->rows_per_split; i++) {
			const struct harness_row *row = &h->rows[(size_t)s * h->rows_per_split + i];
			const int64_t stamp = last > 0 ? last : TR_WATERMARK_MIN;

			current = TR_MAX(current, row->watermark_ms);
			if (current - last > 200)
				last = current;
			if (only_kept && !row->keep)
				continue;
			assert_true(at < h->sunk_count);
			assert_int_equal(h->sunk[at].id, row->id);
			assert_true(h->sunk[at].is_text_good);
			if (with_stamps)
				assert_int_equal(h->sunk[at].stamp_ms, stamp);
			at++;
		}
	}
	assert_int_equal(at, h->sunk_count);
}

#endif
