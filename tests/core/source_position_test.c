/* SPDX-License-Identifier: Apache-2.0
 *
 * Positions of sources: a run that is cut at checkpoints and restored, again and again, with other numbers of readers,
 * pushes the rows of a run that was not cut: each once, and with one split each with the same watermark.
 *
 * Workers are stepped in random order on one thread, or run as threads. A probe in front of each chain keeps all rows with the watermark in
 * force, and when a barrier passes it notes how many there were and takes the head's snapshot. When a checkpoint is
 * complete the graph is thrown away, sometimes only after some more steps; the rows before the barriers stay, and a new graph
 * is loaded with the records.
 */
#include "core/harness.h"

#include <unistd.h>

#include "core/checkpoint.h"
#include "core/source_task.h"
#include "core/worker.h"

#define SUBTASKS_MAX 8
#define CUTS_MAX 6

struct row {
	int64_t id;
	int64_t stamp_ms;
};

struct rows {
	struct row *items;
	size_t count;
	size_t capacity;
};

static void rows_add(struct rows *rows, int64_t id, int64_t stamp_ms)
{
	if (rows->count == rows->capacity) {
		rows->capacity = TR_MAX(rows->capacity * 2, 64);
		rows->items = realloc(rows->items, rows->capacity * sizeof(*rows->items));
	}
	rows->items[rows->count++] = (struct row){id, stamp_ms};
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void rows_sort(struct rows *rows)
{
	if (rows->count > 1)
		qsort(rows->items, rows->count, sizeof(*rows->items), compare_rows);
}

/** Records of one subtask. */
struct saved {
	struct tr_state_writer writer;
	struct tr_bytes bytes; /* length, bytes; again and again */
	uint64_t checkpoint;
	size_t rows; /* pushed before the barrier */
	uint64_t counted;
};

struct probe {
	struct tr_op_ops ops; /* first: found again by op->ops */
	const struct tr_op_ops *original;
	struct tr_op *head;
	struct tr_source_task *task;
	struct rows rows;
	struct saved saved;
	int64_t watermark_ms;
};

static tr_code put_record(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	struct saved *saved = (struct saved *)writer;

	assert_int_equal(record->kind, TR_SOURCE_RECORD_KIND);
	assert_false(record->is_keyed);
	tr_bytes_append(&saved->bytes, (const char *)&record->length, sizeof(record->length));
	tr_bytes_append(&saved->bytes, record->bytes, record->length);
	return TR_OK;
}

static void take_snapshot(struct probe *probe, uint64_t checkpoint)
{
	const struct tr_snapshot_order order = {.checkpoint = checkpoint};
	struct tr_status st = {0};
	uint64_t base = 0;

	tr_bytes_clear(&probe->saved.bytes);
	probe->saved.writer.put = put_record;
	probe->saved.checkpoint = checkpoint;
	probe->saved.rows = probe->rows.count;
	probe->saved.counted = tr_source_task_counters(probe->task)->rows;
	assert_int_equal(probe->head->ops->snapshot(probe->head, &order, &probe->saved.writer, &base, &st), TR_OK);
	assert_int_equal(base, tr_state_age(checkpoint));
}

static enum tr_flow probe_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct probe *probe = (struct probe *)(uintptr_t)op->ops;
	uint32_t run = 0;

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		int64_t stamp_ms = TR_WATERMARK_MIN;

		if (batch->run_count > 0) {
			run = tr_batch_run_of(batch, row, run);
			stamp_ms = batch->runs[run].watermark_ms;
		}
		assert_true(stamp_ms >= probe->watermark_ms);
		rows_add(&probe->rows, tr_column_i64(&batch->columns[0], row), stamp_ms);
		if (batch->schema->column_count == COL_COUNT)
			assert_true(text_is_good(probe->rows.items[probe->rows.count - 1].id,
						 tr_column_view(&batch->columns[COL_TEXT], row)));
	}
	return probe->original->on_batch(op, input, batch);
}

static enum tr_flow probe_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct probe *probe = (struct probe *)(uintptr_t)op->ops;

	assert_true(watermark_ms >= probe->watermark_ms);
	probe->watermark_ms = watermark_ms;
	if (probe->original->on_watermark != NULL)
		return probe->original->on_watermark(op, input, watermark_ms);
	return tr_op_emit_watermark(op, watermark_ms);
}

static enum tr_flow probe_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	struct probe *probe = (struct probe *)(uintptr_t)op->ops;

	take_snapshot(probe, checkpoint);
	if (probe->original->on_barrier != NULL)
		return probe->original->on_barrier(op, input, checkpoint);
	return tr_op_emit_barrier(op, checkpoint);
}

/** One test job, cut and uncut. `build` makes the plan: a scan of that parallelism and a sink, one stage. */
struct job {
	void (*build)(struct job *job, struct harness_plan *p, uint32_t subtasks, uint32_t workers);
	void (*between)(struct job *job); /* NULL, or called between a cut and the restore */
	struct harness h;
	uint32_t batch_rows;
	const char *path;
	const char *connector;
	bool has_stamps; /* one split: watermarks must be the same */
	bool has_threads;
	bool is_endless; /* ends when `end_count` rows have come */
	size_t end_count;
	uint32_t cuts;
	uint64_t checkpoint; /* the last one begun */
};

/** A graph with its probes. */
struct segment {
	struct harness_plan p;
	struct tr_environment *env;
	struct tr_graph *graph;
	struct probe probes[SUBTASKS_MAX];
	uint32_t subtasks;
	_Atomic uint64_t last;
};

static void segment_open(struct segment *s, struct job *job, uint32_t subtasks, uint32_t workers)
{
	struct tr_status st = {0};

	memset(s, 0, sizeof(*s));
	s->subtasks = subtasks;
	job->build(job, &s->p, subtasks, workers);
	assert_int_equal(tr_environment_real_create(&s->env, &st), TR_OK);
	s->graph = aligned_alloc(64, (sizeof(*s->graph) + 63) / 64 * 64);
	if (tr_plan_check(&s->p.plan, &st) != TR_OK || tr_graph_init(s->graph, &s->p.plan, s->env, NULL, &st) != TR_OK)
		fail_msg("%s", st.message);
	assert_int_equal(s->graph->stage_count, 1);
	for (uint32_t i = 0; i < subtasks; i++) {
		struct tr_subtask *subtask = &s->graph->stages[0]->subtasks[i];
		struct tr_op *op = subtask->chain.ops[0];
		struct probe *probe = &s->probes[i];

		probe->original = op->ops;
		probe->ops = *op->ops;
		probe->ops.on_batch = probe_batch;
		probe->ops.on_watermark = probe_watermark;
		probe->ops.on_barrier = probe_barrier;
		probe->head = tr_source_task_head(subtask->source);
		probe->task = subtask->source;
		probe->watermark_ms = TR_WATERMARK_MIN;
		op->ops = &probe->ops;
		subtask->context.checkpoint_last = &s->last;
	}
}

static void segment_close(struct segment *s)
{
	tr_graph_deinit(s->graph);
	free(s->graph);
	tr_environment_real_destroy(&s->env);
	for (uint32_t i = 0; i < s->subtasks; i++) {
		free(s->probes[i].rows.items);
		tr_bytes_deinit(&s->probes[i].saved.bytes);
	}
	harness_plan_deinit(&s->p);
}

/** Gives the records of `from`, as they were saved, to all subtasks of `s`. */
static void segment_load(struct segment *s, const struct segment *from, uint64_t checkpoint)
{
	struct tr_status st = {0};

	for (uint32_t f = 0; f < from->subtasks; f++) {
		const struct saved *saved = &from->probes[f].saved;
		const struct tr_state_origin origin = {f, from->subtasks, checkpoint};

		for (size_t at = 0; at < saved->bytes.length;) {
			struct tr_state_record record = {.kind = TR_SOURCE_RECORD_KIND};

			memcpy(&record.length, saved->bytes.data + at, sizeof(record.length));
			record.bytes = saved->bytes.data + at + sizeof(record.length);
			at += sizeof(record.length) + record.length;
			for (uint32_t i = 0; i < s->subtasks; i++)
				if (s->probes[i].head->ops->load(s->probes[i].head, &origin, &record, &st) != TR_OK)
					fail_msg("%s", st.message);
		}
	}
	for (uint32_t i = s->subtasks; i-- > 0;)
		if (s->probes[i].head->ops->load_end(s->probes[i].head, &st) != TR_OK)
			fail_msg("%s", st.message);
}

static bool is_ended(const struct segment *s, uint32_t i) { return s->graph->stages[0]->subtasks[i].is_done; }

static size_t segment_rows(const struct segment *s)
{
	size_t count = 0;

	for (uint32_t i = 0; i < s->subtasks; i++)
		count += s->probes[i].rows.count;
	return count;
}

static void step(struct segment *s, bool *is_done, uint64_t *random)
{
	const uint32_t w = tr_test_below(random, s->graph->worker_count);

	if (is_done[w])
		return;
	switch (tr_worker_step(&s->graph->workers[w])) {
	case TR_TURN_DONE: is_done[w] = true; break;
	case TR_TURN_FAILED: fail_msg("%s", s->graph->failure.message);
	case TR_TURN_IDLE:
	case TR_TURN_PROGRESS: break;
	}
}

/** Runs to the end, or to a complete checkpoint: then true, and s->probes[].saved is what belongs to it. */
static bool segment_run(struct segment *s, struct job *job, bool may_cut, size_t kept, uint64_t *random)
{
	bool is_done[TR_WORKERS_MAX] = {false};
	const uint32_t patience = 1 + tr_test_below(random, 300);
	uint64_t wanted = 0;

	for (uint64_t steps = 0;; steps++) {
		bool is_complete = wanted != 0, is_over = true;

		if (steps > 3000000)
			fail_msg("stuck: %s, %u subtasks, checkpoint %llu wanted", job->connector, s->subtasks,
				 (unsigned long long)wanted);
		if (may_cut && (wanted == 0 ? steps >= patience : tr_test_below(random, 2000) == 0)) {
			wanted = ++job->checkpoint; /* rarely one that gives the one before up */
			if (tr_test_below(random, 4) == 0)
				atomic_store(&s->last, wanted);
			tr_checkpoint_begin(s->graph, wanted);
		}
		step(s, is_done, random);
		for (uint32_t i = 0; i < s->subtasks; i++) {
			struct probe *probe = &s->probes[i];

			is_over &= is_ended(s, i);
			if (wanted != 0 && is_ended(s, i) && probe->saved.checkpoint < wanted &&
			    tr_test_below(random, 10) == 0)
				take_snapshot(probe, wanted);
			is_complete &= probe->saved.checkpoint == wanted;
		}
		if (is_complete) {
			for (uint32_t k = tr_test_below(random, 2) * tr_test_below(random, 100); k > 0; k--)
				step(s, is_done, random);
			return true;
		}
		if (wanted == 0 &&
		    (is_over || (job->is_endless && !may_cut && kept + segment_rows(s) >= job->end_count)))
			return false;
	}
}

static void *thread_main(void *worker)
{
	tr_worker_run(worker);
	return NULL;
}

/** The same with a thread for each worker. */
static bool segment_run_threads(struct segment *s, struct job *job, bool may_cut, uint64_t *random)
{
	pthread_t threads[TR_WORKERS_MAX];
	const uint64_t wanted = ++job->checkpoint;
	bool is_cut = false;

	for (uint32_t w = 0; w < s->graph->worker_count; w++)
		assert_int_equal(pthread_create(&threads[w], NULL, thread_main, &s->graph->workers[w]), 0);
	if (may_cut) {
		usleep(tr_test_below(random, 300));
		tr_checkpoint_begin(s->graph, wanted);
		while (tr_checkpoint_collected(s->graph) < wanted)
			sched_yield();
		is_cut = true;
		tr_graph_cancel(s->graph);
	}
	for (uint32_t w = 0; w < s->graph->worker_count; w++)
		assert_int_equal(pthread_join(threads[w], NULL), 0);
	if (s->graph->failure.code != TR_OK)
		fail_msg("%s", s->graph->failure.message);
	for (uint32_t i = 0; is_cut && i < s->subtasks; i++) {
		if (s->probes[i].saved.checkpoint < wanted) {
			assert_true(is_ended(s, i));
			take_snapshot(&s->probes[i], wanted);
		}
	}
	return is_cut;
}

static void keep(struct rows *kept, const struct segment *s, bool is_cut)
{
	for (uint32_t i = 0; i < s->subtasks; i++) {
		const struct probe *probe = &s->probes[i];
		const size_t count = is_cut ? probe->saved.rows : probe->rows.count;

		for (size_t k = 0; k < count; k++)
			rows_add(kept, probe->rows.items[k].id, probe->rows.items[k].stamp_ms);
	}
}

static void run_uncut(struct job *job, struct rows *rows)
{
	struct segment s;
	uint64_t random = 1;

	segment_open(&s, job, 1, 1);
	assert_false(segment_run(&s, job, false, 0, &random));
	keep(rows, &s, false);
	segment_close(&s);
}

static uint32_t random_subtasks(uint64_t *random) { return (uint32_t[]){1, 2, 3, 8}[tr_test_below(random, 4)]; }

static void run_cut(struct job *job, struct rows *rows, uint64_t *random)
{
	struct segment *s = malloc(sizeof(*s)), *next = malloc(sizeof(*next));
	const uint32_t cuts = tr_test_below(random, CUTS_MAX);
	uint64_t counted = 0;

	segment_open(s, job, random_subtasks(random), 1 + tr_test_below(random, 4));
	for (uint32_t cut = 0;; cut++) {
		const bool is_cut = job->has_threads ? segment_run_threads(s, job, cut < cuts, random)
						     : segment_run(s, job, cut < cuts, rows->count, random);
		struct segment *old = s;

		keep(rows, s, is_cut);
		for (uint32_t i = 0; i < s->subtasks; i++) {
			if (!is_cut)
				counted += tr_source_task_counters(s->probes[i].task)->rows;
		}
		if (!is_cut)
			break;
		job->cuts++;
		if (job->between != NULL)
			job->between(job);
		segment_open(next, job, random_subtasks(random), 1 + tr_test_below(random, 4));
		segment_load(next, s, job->checkpoint);
		segment_close(s);
		s = next;
		next = old;
	}
	assert_int_equal(counted, rows->count); /* counters go on */
	segment_close(s);
	free(s);
	free(next);
}

static void compare(const struct job *job, struct rows *expected, struct rows *rows, uint64_t seed)
{
	rows_sort(expected);
	rows_sort(rows);
	for (size_t i = 0; i < TR_MIN(rows->count, expected->count); i++) {
		const struct row *a = &rows->items[i], *b = &expected->items[i];

		if (a->id != b->id || (job->has_stamps && a->stamp_ms != b->stamp_ms))
			fail_msg("%s, seed %llu: row %zu is %lld with watermark %lld, expected %lld with %lld",
				 job->connector, (unsigned long long)seed, i, (long long)a->id, (long long)a->stamp_ms,
				 (long long)b->id, (long long)b->stamp_ms);
	}
	if (rows->count != expected->count)
		fail_msg("%s, seed %llu: %zu rows, expected %zu", job->connector, (unsigned long long)seed, rows->count,
			 expected->count);
}

static uint32_t run_job(struct job *job, uint64_t seed)
{
	struct rows expected = {0}, rows = {0};
	uint64_t random = seed;

	job->cuts = 0;
	job->checkpoint = 0;
	harness_current = &job->h;
	if (job->between == NULL)
		run_uncut(job, &expected);
	run_cut(job, &rows, &random);
	if (job->between != NULL) /* the input has grown meanwhile */
		run_uncut(job, &expected);
	compare(job, &expected, &rows, seed);
	free(expected.items);
	free(rows.items);
	return job->cuts;
}

/* The harness's source. */

static void build_harness(struct job *job, struct harness_plan *p, uint32_t subtasks, uint32_t workers)
{
	harness_plan_init(p, job->batch_rows, workers, 1);
	harness_sink(p, harness_project(p, harness_scan(p, subtasks), subtasks), subtasks);
}

static uint32_t run_harness(uint64_t seed, uint32_t splits, bool has_threads)
{
	struct job *job = calloc(1, sizeof(*job));
	uint64_t random = seed;
	uint32_t cuts;

	job->build = build_harness;
	job->connector = "harness";
	job->batch_rows = 1 + tr_test_below(&random, 60);
	job->has_stamps = splits == 1;
	job->has_threads = has_threads;
	harness_init(&job->h, seed, splits, tr_test_below(&random, 1500));
	job->h.chunk_bytes = 1 + tr_test_below(&random, 2) * tr_test_below(&random, 300) + tr_test_below(&random, 3000);
	job->h.wrong_percent = (uint32_t)(seed % 5 * 25);
	job->h.blocked_percent = tr_test_below(&random, 40);
	job->h.sink_blocked_percent = tr_test_below(&random, 40);
	cuts = run_job(job, seed);
	harness_deinit(&job->h);
	free(job);
	return cuts;
}

static void test_one_split(void **state)
{
	uint32_t cuts = 0;

	for (uint64_t seed = 1; seed <= tr_test_cases(400); seed++)
		cuts += run_harness(seed, 1, false);
	assert_true(cuts > tr_test_cases(200)); /* the test would prove nothing without */
}

static void test_several_splits(void **state)
{
	uint32_t cuts = 0;

	for (uint64_t seed = 1; seed <= tr_test_cases(200); seed++)
		cuts += run_harness(seed, 2 + (uint32_t)(seed % 5), false);
	assert_true(cuts > tr_test_cases(200));
}

static void test_threads(void **state)
{
	uint32_t cuts = 0;

	for (uint64_t seed = 1; seed <= tr_test_cases(100); seed++)
		cuts += run_harness(seed, 1 + (uint32_t)(seed % 2), true);
	assert_true(cuts >= tr_test_cases(100));
}

/* The real sources. */

static char directory[64];

/** Columns: id, time less up to 3 s as its text says; the watermark is the time less half a second. */
static void build_table(struct job *job, struct harness_plan *p, uint32_t subtasks, uint32_t workers,
			const struct tr_option *options, uint32_t option_count, const char *format)
{
	static const char *const names[] = {"id", "t"};
	struct tr_table_spec *table;
	struct tr_node *scan, *sink;
	const struct tr_node *input;
	const struct tr_expr **exprs;
	const struct tr_node **sinks;
	struct tr_option *copy;

	harness_plan_init(p, job->batch_rows, workers, 1);
	p->types[0] = tr_type_of(TR_TYPE_BIGINT);
	p->types[1] = tr_type_with_precision(&p->arena, TR_TYPE_TIMESTAMP, 3);
	p->physical = (struct tr_schema){2, names, p->types};
	table = harness_table(p, &p->physical);
	table->connector = tr_registry_find_connector(job->connector);
	table->format = format != NULL ? tr_registry_find_format(format) : NULL;
	copy = TR_NEW_ARRAY(&p->arena, option_count, struct tr_option);
	memcpy(copy, options, option_count * sizeof(*copy));
	table->options.items = copy;
	table->options.count = option_count;
	scan = tr_plan_node(&p->arena, TR_NODE_SCAN, NULL, 0);
	exprs = TR_NEW_ARRAY(&p->arena, 2, const struct tr_expr *);
	for (uint32_t i = 0; i < 2; i++)
		exprs[i] = tr_expr_column(&p->arena, i, p->types[i]);
	scan->output = &p->physical;
	scan->parallelism = subtasks;
	scan->scan.table = table;
	scan->scan.exprs = exprs;
	scan->scan.time_expr = scan->scan.watermark_expr = exprs[1];
	scan->scan.time_name = "t";
	scan->scan.watermark_interval_ms = 200;
	scan->scan.is_bounded = !job->is_endless;
	input = scan;
	sink = tr_plan_node(&p->arena, TR_NODE_SINK, &input, 1);
	sink->parallelism = subtasks;
	sink->sink.table = harness_table(p, &p->physical);
	((struct tr_table_spec *)(uintptr_t)sink->sink.table)->connector = tr_registry_find_connector("blackhole");
	sinks = TR_NEW_ARRAY(&p->arena, 1, const struct tr_node *);
	sinks[0] = sink;
	p->plan.sinks = sinks;
	p->plan.sink_count = 1;
}

static void build_file(struct job *job, struct harness_plan *p, uint32_t subtasks, uint32_t workers)
{
	const struct tr_option options[] = {
		{"path", job->path}, {"source.chunk-size", "700"}, {"source.monitor-interval", "1 ms"}};

	build_table(job, p, subtasks, workers, options, job->is_endless ? 3 : 2, "json");
}

static void write_rows(const char *name, uint64_t seed, int64_t first, uint32_t count)
{
	char path[160];
	FILE *file;
	int64_t time_ms = 1000000 + first;

	snprintf(path, sizeof(path), "%s/.%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	for (uint32_t i = 0; i < count; i++) {
		const int64_t ms = time_ms - (tr_test_below(&seed, 10) == 0 ? tr_test_below(&seed, 3000) : 0);

		time_ms += tr_test_below(&seed, 40);
		fprintf(file, "{\"id\":%lld,\"t\":\"1970-01-01 00:%02d:%02d.%03d\",\"x\":\"%.*s\"}\n",
			(long long)(first + i), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000),
			(int)tr_test_below(&seed, 60),
			"it does not matter what is here, but not how long it is, does it?");
	}
	fclose(file);
	{
		char target[160];

		snprintf(target, sizeof(target), "%s/%s", directory, name);
		assert_int_equal(rename(path, target), 0);
	}
}

static void clean(void)
{
	char command[160];

	snprintf(command, sizeof(command), "rm -rf %s/*", directory);
	assert_int_equal(system(command), 0);
}

static uint32_t run_file(uint64_t seed, bool is_compressed, uint32_t files, bool has_threads)
{
	struct job *job = calloc(1, sizeof(*job));
	uint64_t random = seed;
	char path[160];
	uint32_t cuts;

	job->build = build_file;
	job->connector = "filesystem";
	job->batch_rows = 1 + tr_test_below(&random, 20);
	job->has_stamps = files == 1;
	job->has_threads = has_threads;
	job->path = path;
	for (uint32_t i = 0; i < files; i++) {
		char name[32];

		snprintf(name, sizeof(name), "f%u", i);
		write_rows(name, seed + i, (int64_t)i * 1000000, tr_test_below(&random, 600));
	}
	if (is_compressed) {
		snprintf(path, sizeof(path), "gzip %s/f*", directory);
		assert_int_equal(system(path), 0);
	}
	snprintf(path, sizeof(path), "%s", directory);
	cuts = run_job(job, seed);
	free(job);
	clean();
	return cuts;
}

static void test_files(void **state)
{
	uint32_t cuts = 0;

	for (uint64_t seed = 1; seed <= tr_test_cases(60); seed++)
		cuts += run_file(seed, false, 1, seed % 2 == 0);
	for (uint64_t seed = 1; seed <= tr_test_cases(60); seed++)
		cuts += run_file(seed, false, 2 + (uint32_t)(seed % 4), seed % 2 == 0);
	assert_true(cuts > tr_test_cases(100));
}

static void test_compressed_files(void **state)
{
	uint32_t cuts = 0;

	for (uint64_t seed = 1; seed <= tr_test_cases(60); seed++)
		cuts += run_file(seed, true, 1, seed % 2 == 0);
	for (uint64_t seed = 1; seed <= tr_test_cases(30); seed++)
		cuts += run_file(seed, true, 2 + (uint32_t)(seed % 4), seed % 2 == 0);
	assert_true(cuts > tr_test_cases(50));
}

/** A new file, whose name sorts before or after the others, and more bytes in one that is there. */
static void add_file(struct job *job)
{
	char name[32];

	snprintf(name, sizeof(name), "%c%u", job->cuts % 2 == 0 ? 'a' : 'z', job->cuts);
	write_rows(name, job->checkpoint, 10000000 * (int64_t)(job->cuts + 1), 100);
	job->end_count += 100;
}

static void test_watched_directory(void **state)
{
	uint32_t cuts = 0;

	for (uint64_t seed = 1; seed <= tr_test_cases(60); seed++) {
		struct job *job = calloc(1, sizeof(*job));
		uint64_t random = seed;
		const uint32_t count = 1 + tr_test_below(&random, 300);

		job->build = build_file;
		job->between = add_file;
		job->connector = "filesystem";
		job->batch_rows = 1 + tr_test_below(&random, 20);
		job->path = directory;
		job->is_endless = true;
		job->end_count = count;
		write_rows("m", seed, 0, count);
		cuts += run_job(job, seed);
		free(job);
		clean();
	}
	assert_true(cuts > tr_test_cases(60));
}

static void build_datagen(struct job *job, struct harness_plan *p, uint32_t subtasks, uint32_t workers)
{
	const struct tr_option options[] = {
		{"rows-per-second", "100000"},      {"number-of-rows", "3000"}, {"fields.id.min", "0"},
		{"fields.id.max", "1000000000000"}, {"base-time", "1000000"},   {"fields.t.max-past", "1 s"},
	};

	build_table(job, p, subtasks, workers, options, TR_COUNT_OF(options), NULL);
}

static void test_datagen(void **state)
{
	uint32_t cuts = 0;

	for (uint64_t seed = 1; seed <= tr_test_cases(40); seed++) {
		struct job *job = calloc(1, sizeof(*job));
		uint64_t random = seed;

		job->build = build_datagen;
		job->connector = "datagen";
		job->batch_rows = 1 + tr_test_below(&random, 20);
		job->has_stamps = true;
		cuts += run_job(job, seed);
		free(job);
	}
	assert_true(cuts > tr_test_cases(40));
}

static int set_up(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/tr_position_test.XXXXXX");
	return mkdtemp(directory) == NULL;
}

static int tear_down(void **state)
{
	clean();
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_split),        cmocka_unit_test(test_several_splits),
		cmocka_unit_test(test_threads),          cmocka_unit_test(test_files),
		cmocka_unit_test(test_compressed_files), cmocka_unit_test(test_watched_directory),
		cmocka_unit_test(test_datagen),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
