/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/type.h"
#include "bench/harness.h"
#include "core/ops/func.h"
#include "io/connectors.h"
#include "io/disk.h"
#include "io/sink.h"
#include "io/source.h"
#include "io/source_sequence.h"

/* ---- the memory table ---- */

struct tr_source {
	struct tr_environment *env;
	const struct tr_bench_table *table;
	struct tr_sequence sequence;
};

struct tr_source_reader {
	struct tr_source *source;
	struct tr_source_context *context;
	struct tr_sequence_cursor cursor;
};

static bool memory_is_bounded(const struct tr_table_spec *spec) { return true; }

static tr_code memory_open(const struct tr_table_spec *spec, struct tr_environment *env, uint32_t reader_count,
			   struct tr_source **source, struct tr_status *st)
{
	struct tr_bench_table *table = (struct tr_bench_table *)(uintptr_t)spec;
	struct tr_source *s = calloc(1, sizeof(*s));
	struct tr_sequence_config config;

	s->table = table;
	s->env = env;
	config = (struct tr_sequence_config){.rows = table->rows,
					     .rows_per_second = table->is_paced ? table->event_rate : 0,
					     .batch_rows = spec->batch_rows};
	tr_sequence_init(&s->sequence, &config, env);
	table->started_ns = s->sequence.started_ns;
	*source = s;
	return TR_OK;
}

static void memory_close(struct tr_source **source)
{
	tr_sequence_deinit(&(*source)->sequence);
	free(*source);
	*source = NULL;
}

static void memory_progress(struct tr_source *source, uint64_t *known, uint64_t *begun)
{
	tr_sequence_progress(&source->sequence, known, begun);
}

static const char *memory_split_name(struct tr_source *source, uint64_t split) { return "memory"; }

static tr_code memory_reader_open(struct tr_source *source, struct tr_source_context *context,
				  struct tr_source_reader **reader, struct tr_status *st)
{
	*reader = calloc(1, sizeof(**reader));
	(*reader)->source = source;
	(*reader)->context = context;
	return TR_OK;
}

static void memory_reader_close(struct tr_source_reader **reader)
{
	free(*reader);
	*reader = NULL;
}

static enum tr_flow memory_poll(struct tr_source_reader *r, struct tr_batch_buffer *into, struct tr_chunk_info *info,
				struct tr_status *st)
{
	const struct tr_bench_table *table = r->source->table;
	const struct tr_schema *schema = table->spec.schema;
	int64_t first;
	uint32_t count;
	const enum tr_flow flow = tr_sequence_next(&r->source->sequence, &r->cursor, r->context, &first, &count, info);

	if (flow != TR_FLOW_MORE)
		return flow;
	for (uint32_t i = 0; table->event_rate > 0 && i < count; i++)
		((int64_t *)into->columns[0].data)[i] =
			table->start_ms + (int64_t)((double)(first + i) * 1000 / table->event_rate);
	tr_batch_buffer_seal(into, count);
	for (uint32_t c = table->event_rate > 0 ? 1 : 0; c < schema->column_count; c++)
		into->column_views[c].data =
			(const char *)table->data[c] +
			(size_t)(first % table->block_rows) * tr_phys_bytes((enum tr_phys)schema->types[c]->phys);
	return TR_FLOW_MORE;
}

static bool memory_barrier(struct tr_source_reader *r, uint64_t checkpoint, struct tr_position_writer *writer)
{
	return tr_sequence_barrier(&r->source->sequence, &r->cursor, r->context, checkpoint, writer);
}

static tr_code memory_restore(struct tr_source *source, const struct tr_source_positions *positions,
			      struct tr_status *st)
{
	return tr_sequence_restore(&source->sequence, "memory", positions, source->env, st);
}

static const struct tr_source_ops memory_ops = {
	.is_bounded = memory_is_bounded,
	.open = memory_open,
	.close = memory_close,
	.progress = memory_progress,
	.split_name = memory_split_name,
	.reader_open = memory_reader_open,
	.reader_close = memory_reader_close,
	.poll = memory_poll,
	.reader_barrier = memory_barrier,
	.restore = memory_restore,
};

static const struct tr_option_spec no_options[] = {{.key = NULL}};

const struct tr_connector tr_bench_memory = {.name = "memory", .options = no_options, .source = &memory_ops};

/* ---- the summing sink ---- */

struct tr_sink {
	struct tr_bench_sum *table;
	uint64_t rows;
	uint64_t total;
};

static pthread_mutex_t sum_lock = PTHREAD_MUTEX_INITIALIZER;

static tr_code sum_open(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **sink,
			struct tr_status *st)
{
	context->wake_at_ns = INT64_MAX;
	*sink = calloc(1, sizeof(**sink));
	(*sink)->table = (struct tr_bench_sum *)(uintptr_t)spec;
	return TR_OK;
}

static enum tr_flow sum_write(struct tr_sink *sink, const struct tr_batch *batch, struct tr_status *st)
{
	uint64_t total = 0;

	for (uint32_t c = 0; c < batch->schema->column_count; c++) {
		const int64_t *values = batch->columns[c].data;

		if (batch->columns[c].type->phys != TR_PHYS_I64 || batch->columns[c].is_constant)
			continue;
		if (batch->selection == NULL)
			for (uint32_t i = 0; i < batch->row_count; i++)
				total += (uint64_t)values[i];
		else
			for (uint32_t i = 0; i < batch->selected_count; i++)
				total += (uint64_t)values[batch->selection[i]];
	}
	sink->total += total;
	sink->rows += batch->selected_count;
	return TR_FLOW_MORE;
}

static enum tr_flow sum_more(struct tr_sink *sink, struct tr_status *st) { return TR_FLOW_MORE; }

static enum tr_flow sum_finish(struct tr_sink *sink, struct tr_status *st) { return TR_FLOW_DONE; }

static void sum_close(struct tr_sink **sink)
{
	struct tr_sink *s = *sink;

	pthread_mutex_lock(&sum_lock);
	s->table->rows += s->rows;
	s->table->total += s->total;
	pthread_mutex_unlock(&sum_lock);
	free(s);
	*sink = NULL;
}

static const struct tr_sink_ops sum_ops = {
	.open = sum_open,
	.write = sum_write,
	.resume = sum_more,
	.tick = sum_more,
	.finish = sum_finish,
	.close = sum_close,
};

const struct tr_connector tr_bench_summing = {.name = "sum", .options = no_options, .sink = &sum_ops};

/* ---- plans ---- */

void tr_bench_plan_init(struct tr_bench_plan *plan, uint32_t workers)
{
	memset(plan, 0, sizeof(*plan));
	tr_arena_init(&plan->arena, 0);
	plan->plan.arena = &plan->arena;
	plan->plan.job_name = "bench";
	memset(plan->job_id, '0', sizeof(plan->job_id) - 1);
	plan->plan.job_id = plan->job_id;
	plan->plan.batch_rows = TR_BATCH_ROWS_DEFAULT;
	plan->plan.workers = workers;
	plan->plan.buffer_timeout_ms = 100;
	plan->plan.time_zone = "UTC";
}

void tr_bench_plan_deinit(struct tr_bench_plan *plan) { tr_arena_deinit(&plan->arena); }

struct tr_node *tr_bench_scan(struct tr_bench_plan *plan, const struct tr_table_spec *table, uint32_t parallelism,
			      int time_column, int64_t delay_ms)
{
	struct tr_node *node = tr_plan_node(&plan->arena, TR_NODE_SCAN, NULL, 0);
	const struct tr_schema *schema = table->schema;
	const struct tr_expr **exprs = TR_NEW_ARRAY(&plan->arena, schema->column_count, const struct tr_expr *);

	for (uint32_t c = 0; c < schema->column_count; c++)
		exprs[c] = tr_expr_column(&plan->arena, c, schema->types[c]);
	node->output = schema;
	node->parallelism = parallelism;
	node->scan.table = table;
	node->scan.exprs = exprs;
	node->scan.is_bounded = true;
	node->scan.watermark_interval_ms = 200;
	if (time_column >= 0) {
		const struct tr_expr *delay = tr_expr_i64(&plan->arena, tr_type_of(TR_TYPE_INTERVAL_MS), delay_ms);
		const struct tr_expr *const args[2] = {exprs[time_column], delay};
		const struct tr_type *const types[2] = {args[0]->type, args[1]->type};
		struct tr_func_match match;
		struct tr_status st = {0};

		if (tr_func_resolve(&plan->arena, "-", types, args, 2, &match, &st) != TR_OK) {
			fprintf(stderr, "bench: %s\n", st.message);
			abort();
		}
		node->scan.time_name = schema->names[time_column];
		node->scan.time_expr = exprs[time_column];
		node->scan.watermark_expr = delay_ms == 0 ? exprs[time_column]
							  : tr_expr_call(&plan->arena, match.func, match.type, args, 2);
	}
	return node;
}

struct tr_node *tr_bench_exchange(struct tr_bench_plan *plan, const struct tr_node *input, uint32_t key,
				  uint32_t parallelism)
{
	struct tr_node *node = tr_plan_node(&plan->arena, TR_NODE_EXCHANGE, &input, 1);
	uint32_t *keys = TR_NEW_ARRAY(&plan->arena, 1, uint32_t);

	keys[0] = key;
	node->output = input->output;
	node->parallelism = parallelism;
	node->exchange.kind = TR_EXCHANGE_HASH;
	node->exchange.keys = keys;
	node->exchange.key_count = 1;
	return node;
}

static void add_count_and_sum(struct tr_bench_plan *plan, struct tr_node *node, const struct tr_type *sum_type,
			      int sum_column)
{
	struct tr_agg_call *calls = TR_NEW_ARRAY(&plan->arena, 2, struct tr_agg_call);
	struct tr_status st = {0};

	for (uint32_t a = 0; a < (sum_column >= 0 ? 2u : 1u); a++) {
		struct tr_agg_match match;

		if (tr_agg_resolve(&plan->arena, a == 0 ? "COUNT" : "SUM", a == 0 ? NULL : sum_type, true, &match,
				   &st) != TR_OK) {
			fprintf(stderr, "bench: %s\n", st.message);
			abort();
		}
		calls[a] = (struct tr_agg_call){.agg = match.agg,
						.type = match.type,
						.arg_column = a == 0 ? -1 : sum_column,
						.filter_column = -1,
						.text = a == 0 ? "COUNT(*)" : "SUM(value)"};
		node->window.agg_count++;
	}
	node->window.aggs = calls;
}

struct tr_node *tr_bench_window(struct tr_bench_plan *plan, const struct tr_node *input, uint32_t key, int time_column,
				int sum_column, int64_t slide_ms, int64_t size_ms)
{
	static const char *const names[] = {"key", "count", "sum", "window_start", "window_end", "window_time"};
	struct tr_node *node = tr_plan_node(&plan->arena, TR_NODE_WINDOW_AGGREGATE, &input, 1);
	const struct tr_type *time_type = input->output->types[time_column];
	struct tr_schema *output = TR_NEW(&plan->arena, struct tr_schema);
	const struct tr_type **types = TR_NEW_ARRAY(&plan->arena, 6, const struct tr_type *);
	const char **chosen = TR_NEW_ARRAY(&plan->arena, 6, const char *);
	uint32_t *keys = TR_NEW_ARRAY(&plan->arena, 1, uint32_t);
	uint32_t n = 0;

	keys[0] = key;
	add_count_and_sum(plan, node, sum_column >= 0 ? input->output->types[sum_column] : NULL, sum_column);
	node->parallelism = input->parallelism;
	node->window.window = (struct tr_window_spec){
		.kind = slide_ms == size_ms ? TR_WINDOW_TUMBLE : TR_WINDOW_HOP,
		.size_ms = size_ms,
		.step_ms = slide_ms,
		.time_zone = "UTC",
		.time_column = time_column,
	};
	node->window.keys = keys;
	node->window.key_count = 1;
	node->window.phase = TR_PHASE_SINGLE;
	for (uint32_t c = 0; c < 6; c++) {
		if (c == 2 && sum_column < 0)
			continue;
		chosen[n] = names[c];
		types[n++] = c == 0 ? input->output->types[key] : c <= 2 ? node->window.aggs[c - 1].type : time_type;
	}
	*output = (struct tr_schema){n, chosen, types};
	node->output = output;
	return node;
}

void tr_bench_sink(struct tr_bench_plan *plan, const struct tr_node *input, const struct tr_table_spec *table)
{
	struct tr_node *node = tr_plan_node(&plan->arena, TR_NODE_SINK, &input, 1);
	const struct tr_node **sinks = TR_NEW_ARRAY(&plan->arena, 1, const struct tr_node *);

	node->parallelism = input->parallelism;
	node->sink.table = table;
	sinks[0] = node;
	plan->plan.sinks = sinks;
	plan->plan.sink_count = 1;
}

uint64_t tr_bench_directory_remove(const char *path)
{
	uint64_t bytes = 0;
	DIR *directory = opendir(path);
	struct dirent *entry;

	if (directory == NULL)
		return 0;
	while ((entry = readdir(directory)) != NULL) {
		struct stat stat;

		if (fstatat(dirfd(directory), entry->d_name, &stat, 0) == 0 && S_ISREG(stat.st_mode)) {
			bytes += (uint64_t)stat.st_blocks * 512;
			(void)unlinkat(dirfd(directory), entry->d_name, 0);
		}
	}
	closedir(directory);
	(void)rmdir(path);
	return bytes;
}

void tr_bench_run(struct tr_plan *plan, double *seconds, struct tr_engine_progress *progress)
{
	struct tr_environment *env = NULL;
	struct tr_engine *engine = NULL;
	struct tr_status st = {0};
	double start;
	tr_code code = tr_environment_real_create(&env, &st);

	if (code == TR_OK)
		code = tr_plan_check(plan, &st);
	if (code == TR_OK)
		code = tr_engine_create(plan, env, &engine, &st);
	start = tr_harness_seconds();
	if (code == TR_OK)
		code = tr_engine_run(engine, &st);
	*seconds = tr_harness_seconds() - start;
	if (code != TR_OK) {
		fprintf(stderr, "bench: the job failed: %s\n", st.message);
		abort();
	}
	tr_engine_progress(engine, progress);
	tr_engine_destroy(&engine);
	tr_environment_real_destroy(&env);
}

void tr_bench_job_init(struct tr_bench_job *job, const char *script, uint32_t workers)
{
	struct tr_status st = {0};

	memset(job, 0, sizeof(*job));
	tr_arena_init(&job->arena, 0);
	tr_config_init(&job->config, &job->arena);
	job->options = (struct tr_session_options){.file = "bench.sql",
						   .config = &job->config,
						   .core_count = workers,
						   .machine_time_zone = "UTC",
						   .job_name = "bench",
						   .job_id_seed = {1, 2},
						   .collect = &tr_connector_blackhole};
	job->session = tr_session_compile(&job->options, script, strlen(script));
	if (job->session->diags.error_count > 0 || job->session->step_count != 1) {
		(void)tr_diags_status(&job->session->diags, &st);
		fprintf(stderr, "bench: the script does not compile to one job: %s\n", st.message);
		abort();
	}
	job->plan = job->session->steps[0].plan;
}

void tr_bench_job_deinit(struct tr_bench_job *job)
{
	tr_session_destroy(&job->session);
	tr_arena_deinit(&job->arena);
}

struct tr_node *tr_bench_job_sink(const struct tr_bench_job *job)
{
	return (struct tr_node *)(uintptr_t)job->plan->sinks[0];
}

struct tr_node *tr_bench_job_scan(const struct tr_bench_job *job)
{
	const struct tr_node *node = job->plan->sinks[0];

	while (node->kind != TR_NODE_SCAN)
		node = node->inputs[0];
	return (struct tr_node *)(uintptr_t)node;
}

void tr_bench_run_sql(const char *script, uint32_t workers, double *seconds, struct tr_engine_progress *progress)
{
	struct tr_bench_job job;

	tr_bench_job_init(&job, script, workers);
	tr_bench_run(job.plan, seconds, progress);
	tr_bench_job_deinit(&job);
}
