/* SPDX-License-Identifier: Apache-2.0
 *
 * The filesystem sink with checkpoints: what is published is, at any time, what a model says, whatever happens.
 *
 * A job writes rows with the numbers 0, 1, 2 .. through one or two sinks of some subtasks each. Its model is the number of
 * rows of the last complete checkpoint: exactly these are published after its commit and after each recovery, each in the
 * folder of its partition, and never a row beyond. What ends a life of the job: a kill, a power cut (tests/io/fault_disk.h),
 * a failing call, or an orderly close without a last checkpoint; the next life has other counts of subtasks.
 */
#include "tr_test.h"

#include <dirent.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "io/fault_disk.h"
#include "io/file_commit.h"
#include "io/memory.h"
#include "io/sink.h"

#define JOB_A "0123456789abcdef0123456789abcdef"
#define JOB_B "0123456789abcdef0123456789abcdee"
#define WRITERS_MAX 2
#define SUBTASKS_MAX 4
#define ROWS_MAX 100000 /* of a writer */
#define KEYS 5

struct saved {
	struct tr_state_origin origin;
	uint32_t writer;
	uint16_t kind;
	char *bytes;
	size_t length;
};

struct checkpoint {
	uint64_t number; /* 0: none */
	int positions[WRITERS_MAX];
	struct saved *items;
	uint32_t count;
};

struct job {
	struct world *world;
	struct tr_table_spec spec;
	int base; /* of its rows' numbers: writer w has base + w * ROWS_MAX .. */
	uint32_t writer_count;
	uint32_t subtask_count[WRITERS_MAX];
	struct tr_sink *sinks[WRITERS_MAX][SUBTASKS_MAX];
	struct tr_sink_context contexts[WRITERS_MAX][SUBTASKS_MAX];
	int positions[WRITERS_MAX];
	uint64_t number;
	struct checkpoint complete;
	bool is_open;
	bool has_failed;
};

struct world {
	uint64_t seed;
	struct tr_environment *real;
	struct tr_environment env;
	struct fault_disk disk;
	struct tr_io_queue *io;
	char directory[64];
	char table[96];
	const char *names[3];
	const struct tr_type *types[3];
	struct tr_schema schema;
	uint32_t partition_columns[1];
	struct tr_option options[4];
	struct tr_batch_buffer *batch;
	struct tr_status st;
	struct job jobs[2];
	uint8_t found[WRITERS_MAX * 2][ROWS_MAX]; /* how often a row is published */
	uint32_t held_count;                      /* held files that were seen */
};

/* ---- set up ---- */

static void job_init(struct world *w, struct job *job, const char *id, int base, uint32_t writers)
{
	*job = (struct job){.world = w, .base = base, .writer_count = writers};
	job->spec = (struct tr_table_spec){.name = "t",
					   .connector = tr_registry_find_connector("filesystem"),
					   .format = tr_registry_find_format("csv"),
					   .options = {.items = w->options, .count = 2},
					   .schema = &w->schema,
					   .partition_columns = w->partition_columns,
					   .partition_count = w->schema.column_count == 3 ? 1 : 0,
					   .time_zone = "UTC",
					   .job_id = id,
					   .batch_rows = 512};
}

static struct world *world_create(uint64_t seed, const char *disk, bool is_partitioned)
{
	struct world *w = calloc(1, sizeof(*w));
	char stash[80];

	setenv("TAILRACE_IO", disk, 1);
	assert_int_equal(tr_environment_real_create(&w->real, NULL), TR_OK);
	w->seed = seed;
	snprintf(w->directory, sizeof(w->directory), "%s/tr_commit_test.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(w->directory));
	snprintf(w->table, sizeof(w->table), "%s/a/out", w->directory);
	snprintf(stash, sizeof(stash), "%s/stash", w->directory);
	fault_disk_init(&w->disk, w->real->disk, stash, seed + 1);
	w->env = (struct tr_environment){.ops = w->real->ops, .disk = &w->disk.disk};
	assert_int_equal(w->env.disk->ops->queue_create(w->env.disk, 8, &w->io, NULL), TR_OK);
	w->names[0] = "id";
	w->names[1] = "text";
	w->names[2] = "k";
	w->types[0] = tr_type_of(TR_TYPE_INT);
	w->types[1] = tr_type_of(TR_TYPE_VARCHAR);
	w->types[2] = tr_type_of(TR_TYPE_INT);
	w->schema = (struct tr_schema){.column_count = is_partitioned ? 3 : 2, .names = w->names, .types = w->types};
	w->partition_columns[0] = 2;
	w->options[0] = (struct tr_option){"path", w->table};
	w->options[1] = (struct tr_option){"sink.rolling-policy.file-size", "2kb"};
	w->batch = tr_batch_buffer_create(&w->schema, 512);
	job_init(w, &w->jobs[0], JOB_A, 0, 1);
	job_init(w, &w->jobs[1], JOB_B, WRITERS_MAX * ROWS_MAX, 1);
	return w;
}

static void checkpoint_clear(struct checkpoint *checkpoint)
{
	for (uint32_t i = 0; i < checkpoint->count; i++)
		free(checkpoint->items[i].bytes);
	free(checkpoint->items);
	*checkpoint = (struct checkpoint){0};
}

static void world_destroy(struct world *w)
{
	for (int j = 0; j < 2; j++)
		checkpoint_clear(&w->jobs[j].complete);
	tr_batch_buffer_destroy(&w->batch);
	w->env.disk->ops->queue_destroy(w->env.disk, &w->io);
	fault_disk_deinit(&w->disk);
	tr_environment_real_destroy(&w->real);
	fault_remove_tree(w->directory);
	free(w);
}

/* ---- what is published ---- */

static void read_file(struct world *w, const char *path, int key)
{
	FILE *file = fopen(path, "r");
	char line[64];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		int id, text;

		if (sscanf(line, "%d,row%d\n", &id, &text) != 2 || id != text || strchr(line, '\n') == NULL)
			fail_msg("%s: a row is torn: %s", path, line);
		assert_in_range(id, 0, WRITERS_MAX * 2 * ROWS_MAX - 1);
		if (key >= 0)
			assert_int_equal(id * 7 % KEYS, key);
		w->found[id / ROWS_MAX][id % ROWS_MAX]++;
	}
	fclose(file);
}

static void read_directory(struct world *w, const char *path, int key)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;

	if (directory == NULL)
		return;
	while ((entry = readdir(directory)) != NULL) {
		char child[512];

		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		if (strncmp(entry->d_name, "k=", 2) == 0)
			read_directory(w, child, atoi(entry->d_name + 2));
		else if (strncmp(entry->d_name, "part-", 5) == 0)
			read_file(w, child, key);
		else if (strstr(entry->d_name, ".held.pending") != NULL)
			w->held_count++;
	}
	closedir(directory);
}

/** Of each writer exactly the rows before its position are published; or, if not `is_exact`, none beyond, and none twice. */
static void expect_published(struct job *job, bool is_exact)
{
	struct world *w = job->world;

	memset(w->found, 0, sizeof(w->found));
	w->held_count = 0;
	read_directory(w, w->table, -1);
	for (uint32_t i = 0; i < job->writer_count; i++) {
		const uint8_t *found = w->found[job->base / ROWS_MAX + (int)i];
		const int position = job->complete.positions[i];

		for (int row = 0; row < job->positions[i] || row < position; row++) {
			const bool is_due = row < position;

			if (is_exact ? found[row] != is_due : found[row] > is_due)
				fail_msg("seed %llu: row %d of writer %u is published %u times; checkpoint %llu has %d "
					 "rows",
					 (unsigned long long)w->seed, row, i, found[row],
					 (unsigned long long)job->complete.number, position);
		}
	}
}

/* ---- a job's life ---- */

static const struct tr_sink_ops *ops_of(const struct job *job) { return job->spec.connector->sink; }

static bool took_code(struct job *job, tr_code code)
{
	if (code == TR_OK)
		return true;
	assert_true(job->world->st.message[0] != '\0' && job->world->st.code == code);
	if (strstr(job->world->st.message, "table 't'") == NULL)
		fail_msg("%s", job->world->st.message);
	job->has_failed = true;
	return false;
}

static bool took_flow(struct job *job, enum tr_flow flow)
{
	return flow != TR_FLOW_FAILED || took_code(job, job->world->st.code);
}

/** Shuffles 0 .. count - 1: the order in which sinks are asked. */
static void shuffle(struct world *w, uint32_t *order, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t other = tr_test_below(&w->seed, i + 1);

		order[i] = order[other];
		order[other] = i;
	}
}

typedef bool (*sink_fn)(struct job *job, uint32_t writer, uint32_t subtask);

/** For each sink, in any order, until one fails. */
static bool for_each(struct job *job, sink_fn fn)
{
	uint32_t order[WRITERS_MAX * SUBTASKS_MAX];

	shuffle(job->world, order, WRITERS_MAX * SUBTASKS_MAX);
	for (uint32_t i = 0; i < WRITERS_MAX * SUBTASKS_MAX; i++) {
		const uint32_t writer = order[i] / SUBTASKS_MAX, subtask = order[i] % SUBTASKS_MAX;

		if (writer >= job->writer_count || subtask >= job->subtask_count[writer])
			continue;
		if (!fn(job, writer, subtask))
			return false;
	}
	return true;
}

static void job_close(struct job *job)
{
	for (uint32_t i = 0; i < WRITERS_MAX * SUBTASKS_MAX; i++)
		ops_of(job)->close(&job->sinks[i / SUBTASKS_MAX][i % SUBTASKS_MAX]);
	job->is_open = false;
}

static bool job_create(struct job *job)
{
	struct world *w = job->world;

	job->is_open = true;
	job->has_failed = false;
	job->number = job->complete.number;
	memcpy(job->positions, job->complete.positions, sizeof(job->positions));
	for (uint32_t i = 0; i < job->writer_count; i++) {
		job->subtask_count[i] = 1 + tr_test_below(&w->seed, SUBTASKS_MAX);
		for (uint32_t s = 0; s < job->subtask_count[i]; s++) {
			job->contexts[i][s] = (struct tr_sink_context){.env = &w->env,
								       .io = w->io,
								       .subtask = s,
								       .subtask_count = job->subtask_count[i],
								       .has_checkpoints = true,
								       .restored_checkpoint = job->number};
			if (!took_code(job,
				       ops_of(job)->open(&job->spec, &job->contexts[i][s], &job->sinks[i][s], &w->st)))
				return false;
		}
	}
	return true;
}

static bool recover_sink(struct job *job, uint32_t writer, uint32_t subtask)
{
	struct tr_sink *sink = job->sinks[writer][subtask];

	for (uint32_t i = 0; i < job->complete.count; i++) {
		const struct saved *saved = &job->complete.items[i];
		const struct tr_state_record record = {
			.kind = saved->kind, .bytes = saved->bytes, .length = saved->length};

		if (saved->writer == writer &&
		    !took_code(job, ops_of(job)->load(sink, &saved->origin, &record, &job->world->st)))
			return false;
	}
	return took_code(job, ops_of(job)->recover(sink, &job->world->st));
}

/** Opens and recovers. False: it failed on the way. */
static bool job_open(struct job *job)
{
	if (!job_create(job) || !for_each(job, recover_sink))
		return false;
	expect_published(job, true);
	return true;
}

static enum tr_flow settle(struct job *job, uint32_t writer, uint32_t subtask, enum tr_flow flow)
{
	while (flow == TR_FLOW_BLOCKED) {
		(void)tr_io_wait(job->world->io, 1000000000);
		flow = ops_of(job)->resume(job->sinks[writer][subtask], &job->world->st);
	}
	return flow;
}

static bool write_some(struct job *job, uint32_t writer, uint32_t subtask, uint32_t count)
{
	struct world *w = job->world;
	enum tr_flow flow;

	tr_batch_buffer_clear(w->batch);
	for (uint32_t i = 0; i < count; i++) {
		const int id = job->base + (int)writer * ROWS_MAX + job->positions[writer]++;
		char text[32];
		const int length = snprintf(text, sizeof(text), "row%d", id);

		((int32_t *)w->batch->columns[0].data)[i] = id;
		((struct tr_view *)w->batch->columns[1].data)[i] =
			tr_batch_buffer_view(w->batch, text, (uint32_t)length);
		if (w->schema.column_count == 3)
			((int32_t *)w->batch->columns[2].data)[i] = id * 7 % KEYS;
	}
	tr_batch_buffer_seal(w->batch, count);
	flow = ops_of(job)->write(job->sinks[writer][subtask], &w->batch->batch, &w->st);
	return took_flow(job, settle(job, writer, subtask, flow));
}

static bool prepare_sink(struct job *job, uint32_t writer, uint32_t subtask)
{
	enum tr_flow flow;

	while ((flow = ops_of(job)->prepare(job->sinks[writer][subtask], job->number, &job->world->st)) ==
	       TR_FLOW_BLOCKED)
		(void)tr_io_wait(job->world->io, 1000000000);
	return took_flow(job, flow);
}

static bool commit_sink(struct job *job, uint32_t writer, uint32_t subtask)
{
	enum tr_flow flow;

	while ((flow = ops_of(job)->commit(job->sinks[writer][subtask], job->number, &job->world->st)) ==
	       TR_FLOW_BLOCKED)
		(void)tr_io_wait(job->world->io, 1000000000);
	if (flow == TR_FLOW_DONE && tr_test_below(&job->world->seed, 8) == 0)
		assert_int_equal(ops_of(job)->commit(job->sinks[writer][subtask], job->number, &job->world->st),
				 TR_FLOW_DONE);
	return took_flow(job, flow);
}

struct recorder {
	struct tr_state_writer writer;
	struct checkpoint *into;
	uint32_t index;
	struct tr_state_origin origin;
};

static tr_code record_put(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	const struct recorder *r = (struct recorder *)writer;
	struct checkpoint *into = r->into;
	struct saved saved = {.origin = r->origin, .writer = r->index, .kind = record->kind, .length = record->length};

	assert_false(record->is_keyed);
	saved.bytes = malloc(record->length);
	memcpy(saved.bytes, record->bytes, record->length);
	into->items = realloc(into->items, (into->count + 1) * sizeof(*into->items));
	into->items[into->count++] = saved;
	return TR_OK;
}

/** All that the sinks save. A checkpoint that is given up was saved, too. */
static bool job_save(struct job *job, struct checkpoint *into)
{
	*into = (struct checkpoint){.number = job->number};
	memcpy(into->positions, job->positions, sizeof(into->positions));
	for (uint32_t i = 0; i < job->writer_count; i++) {
		for (uint32_t s = 0; s < job->subtask_count[i]; s++) {
			struct recorder r = {{record_put}, into, i, {s, job->subtask_count[i], job->number}};

			if (!took_code(job, ops_of(job)->save(job->sinks[i][s], &r.writer, &job->world->st)))
				return false;
		}
	}
	return true;
}

/** Rows of the next checkpoint come before this one is complete: whole files of them. */
static void write_early(struct job *job)
{
	struct world *w = job->world;
	const uint32_t writer = tr_test_below(&w->seed, job->writer_count);
	const uint32_t subtask = tr_test_below(&w->seed, job->subtask_count[writer]);

	for (int i = 0; i < 4 && write_some(job, writer, subtask, 200); i++)
		(void)tr_io_wait(w->io, 100000);
}

/** A barrier, and what follows from it. False: the job has failed. */
static bool job_checkpoint(struct job *job, bool is_given_up, bool is_last)
{
	struct world *w = job->world;
	struct checkpoint attempt;

	job->number += 1 + tr_test_below(&w->seed, 3);
	if (!for_each(job, prepare_sink))
		return false;
	if (!job_save(job, &attempt) || is_given_up) {
		checkpoint_clear(&attempt);
		return !job->has_failed;
	}
	if (!is_last && tr_test_below(&w->seed, 3) == 0)
		write_early(job);
	checkpoint_clear(&job->complete);
	job->complete = attempt;
	if (job->has_failed || !for_each(job, commit_sink))
		return false;
	expect_published(job, true);
	return true;
}

/** A checkpoint that is complete, but the commit does not come. */
static void job_prepare(struct job *job)
{
	job->number++;
	assert_true(for_each(job, prepare_sink));
	checkpoint_clear(&job->complete);
	assert_true(job_save(job, &job->complete));
}

static bool job_step(struct job *job)
{
	struct world *w = job->world;
	const uint32_t writer = tr_test_below(&w->seed, job->writer_count);
	const uint32_t subtask = tr_test_below(&w->seed, job->subtask_count[writer]);
	const uint32_t choice = tr_test_below(&w->seed, 16);

	if (choice < 2)
		return job_checkpoint(job, choice == 1, false);
	if (choice == 2)
		return took_flow(job,
				 settle(job, writer, subtask, ops_of(job)->tick(job->sinks[writer][subtask], &w->st)));
	return write_some(job, writer, subtask, 1 + tr_test_below(&w->seed, 120));
}

/** The end of input: a last checkpoint; afterwards nothing is left behind. */
static void job_end(struct job *job)
{
	assert_true(job_checkpoint(job, false, true));
	assert_int_equal(job->complete.positions[0], job->positions[0]);
	job_close(job);
	expect_published(job, true);
}

/* ---- tests ---- */

/** One job dies again and again. */
static void run_lives(uint64_t seed, const char *disk, bool is_partitioned, uint32_t writers)
{
	struct world *w = world_create(seed, disk, is_partitioned);
	struct job *job = &w->jobs[0];

	job->writer_count = writers;
	for (uint32_t life = 0; life < 8; life++) {
		const uint32_t fate = tr_test_below(&w->seed, 4);

		w->disk.short_percent = tr_test_below(&w->seed, 2) * 30;
		if (fate < 3)
			w->disk.die_at = 1 + tr_test_below(&w->seed, life % 2 == 0 ? 3000 : 300);
		if (job_open(job)) {
			while (tr_test_below(&w->seed, 100) != 0 && job_step(job))
				;
		}
		if (fate < 3) /* whether or not it has got that far */
			w->disk.die_at = 1;
		else if (tr_test_below(&w->seed, 2) == 0)
			job_prepare(job); /* an orderly close knows nothing of what became of it */
		job_close(job);
		if (fate == 2)
			fault_disk_cut_power(&w->disk);
		assert_int_equal(w->disk.synced_again, 0);
		fault_disk_settle(&w->disk);
		expect_published(job, false);
	}
	assert_true(job_open(job));
	assert_true(write_some(job, 0, 0, 10));
	job_end(job);
	assert_int_equal(w->held_count, 0);
	world_destroy(w);
}

static void test_lives(void **state)
{
	const uint64_t cases = tr_test_cases(80);

	for (uint64_t i = 0; i < cases; i++)
		run_lives(1000 + i, i % 3 == 0 ? "plain" : "io_uring", i % 2 == 0, i % 5 == 4 ? 2 : 1);
}

/** A checkpoint whose files all lie in directories where the next ones have none: only recover's own syncs keep them. */
static void test_power_after_recovery(void **state)
{
	const uint64_t cases = tr_test_cases(20);

	for (uint64_t i = 0; i < cases; i++) {
		struct world *w = world_create(700 + i, "plain", i % 2 == 0);
		struct job *job = &w->jobs[0];

		assert_true(job_open(job));
		assert_true(write_some(job, 0, 0, 50));
		job_prepare(job);
		w->disk.die_at = 1;
		job_close(job);
		fault_disk_cut_power(&w->disk);
		fault_disk_settle(&w->disk);
		assert_true(job_open(job));
		assert_true(job_checkpoint(job, false, true));
		assert_int_equal(job->complete.count, 0);
		w->disk.die_at = 1;
		job_close(job);
		fault_disk_cut_power(&w->disk);
		fault_disk_settle(&w->disk);
		expect_published(job, true);
		world_destroy(w);
	}
}

/** Two jobs write to one table; one of them dies again and again. A third, without checkpoints, tidies up between. */
static void run_two_jobs(uint64_t seed, bool is_partitioned)
{
	struct world *w = world_create(seed, "plain", is_partitioned);
	struct job *living = &w->jobs[0], *dying = &w->jobs[1];
	struct tr_sink_context context = {.env = &w->env, .io = w->io, .subtask_count = 1};
	struct tr_table_spec spec = living->spec;
	struct tr_sink *third = NULL;

	spec.job_id = "ffff";
	assert_true(job_open(living));
	for (uint32_t life = 0; life < 4; life++) {
		bool has_prepared = false;

		assert_true(job_open(dying));
		for (int i = 0; i < 60; i++) {
			assert_true(job_step(tr_test_below(&w->seed, 2) == 0 ? living : dying));
			expect_published(living, true);
			expect_published(dying, true);
		}
		if (tr_test_below(&w->seed, 2) == 0) { /* complete, but the commit does not come */
			job_prepare(dying);
			has_prepared = dying->complete.count > 0;
		}
		w->disk.die_at = 1;
		job_close(dying);
		w->disk.die_at = 0;
		w->disk.calls = 0;
		assert_int_equal(ops_of(living)->open(&spec, &context, &third, &w->st), TR_OK);
		ops_of(living)->close(&third);
		expect_published(dying, false);
		if (has_prepared)
			assert_true(w->held_count > 0);
	}
	assert_true(job_open(dying));
	assert_true(write_some(dying, 0, 0, 10));
	job_end(dying);
	job_end(living);
	assert_int_equal(w->held_count, 0);
	world_destroy(w);
}

static void test_two_jobs(void **state)
{
	const uint64_t cases = tr_test_cases(30);

	for (uint64_t i = 0; i < cases; i++)
		run_two_jobs(5000 + i, i % 2 == 0);
}

/** A short life, always the same. False: it has failed. */
static bool short_life(struct job *job)
{
	bool is_good = job_open(job);

	for (int i = 0; is_good && i < 4; i++)
		is_good = write_some(job, 0, (uint32_t)i % job->subtask_count[0], 150);
	is_good = is_good && job_checkpoint(job, false, false);
	is_good = is_good && write_some(job, 0, 0, 100) && job_checkpoint(job, true, false);
	return is_good && write_some(job, 0, 0, 10) && job_checkpoint(job, false, false);
}

/** Each disk call fails once, or from then on for ever: the job fails with a message, or the call did not matter. Nothing is
 * synced again after its sync has failed; the next life puts all right. */
static void fail_calls(bool is_partitioned, bool fails_for_ever, int error)
{
	for (uint64_t k = 1;; k++) {
		struct world *w = world_create(77, "plain", is_partitioned);
		struct job *job = &w->jobs[0];
		uint64_t calls;

		/* The life before leaves a prepared checkpoint and something that belongs to none. */
		assert_true(job_open(job));
		assert_true(write_some(job, 0, 0, 50));
		job_prepare(job);
		assert_true(write_some(job, 0, 0, 50));
		w->disk.die_at = 1;
		job_close(job);
		fault_disk_settle(&w->disk);
		w->disk.fail_at = k;
		w->disk.fails_for_ever = fails_for_ever;
		w->disk.fail_error = error;
		(void)short_life(job);
		calls = w->disk.calls;
		if (!fails_for_ever && job->has_failed && strstr(w->st.message, strerror(error)) == NULL)
			fail_msg("%s", w->st.message);
		job_close(job);
		assert_int_equal(w->disk.synced_again, 0);
		fault_disk_settle(&w->disk);
		w->disk.fails_for_ever = false;
		expect_published(job, false);
		assert_true(job_open(job));
		assert_true(write_some(job, 0, 0, 10));
		job_end(job);
		assert_int_equal(w->held_count, 0);
		world_destroy(w);
		if (k >= calls)
			break;
		if (tr_test_number("TAILRACE_TEST_PERCENT", 100) < 100)
			k += 6; /* a share of the calls, for sanitizers */
	}
}

static void test_failing_calls(void **state)
{
	fail_calls(true, false, EIO);
	fail_calls(false, true, EIO);
	fail_calls(false, false, ENOSPC);
}

/** Records of a checkpoint with two files in two folders, restored after `change` was done to the table. */
static void expect_refused(const char *change, tr_code code, const char *text)
{
	struct world *w = world_create(9, "plain", true);
	struct job *job = &w->jobs[0];
	char command[600];

	assert_true(job_open(job));
	assert_true(write_some(job, 0, 0, 40));
	job_prepare(job);
	w->disk.die_at = 1;
	job_close(job);
	fault_disk_settle(&w->disk);
	snprintf(command, sizeof(command), "cd %s && %s", w->table, change);
	assert_int_equal(system(command), 0);
	if (text == NULL && strstr(change, "rm ") != NULL) {
		assert_true(job_create(job) && for_each(job, recover_sink));
	} else if (text == NULL) {
		assert_true(job_open(job));
	} else {
		assert_false(job_open(job));
		assert_int_equal(w->st.code, code);
		if (strstr(w->st.message, text) == NULL)
			fail_msg("%s", w->st.message);
	}
	job_close(job);
	world_destroy(w);
}

static void test_table_is_not_what_it_was(void **state)
{
	expect_refused("true", TR_OK, NULL);
	expect_refused("for f in k=3/.part*held*; do g=${f#k=3/.}; mv $f k=3/${g%.held.pending}; done", TR_OK, NULL);
	expect_refused("rm k=3/.part*", TR_ERR_DATA, "is gone, and so is its pending name");
	/* Somebody was quick to take what had been published. */
	expect_refused("rm k=3/.part* && touch .part-" JOB_A "-0-1.published", TR_OK, NULL);
	expect_refused("rm -r k=3 && touch .part-" JOB_A "-0-1.published", TR_OK, NULL);
	expect_refused("rm -r k=3", TR_ERR_DATA, "put it back under one of the two names, or start the job anew");
	expect_refused("for f in k=3/.part*held*; do echo >> $f; done", TR_ERR_DATA, "put the right one back");
	expect_refused("for f in k=3/.part*held*; do g=${f#k=3/.}; touch k=3/${g%.held.pending}; done", TR_ERR_DATA,
		       "the name is taken");
}

static void checkpoint_copy(struct checkpoint *to, const struct checkpoint *from)
{
	checkpoint_clear(to);
	*to = *from;
	to->items = calloc(from->count + 1, sizeof(*to->items));
	for (uint32_t i = 0; i < from->count; i++) {
		to->items[i] = from->items[i];
		to->items[i].bytes = malloc(from->items[i].length);
		memcpy(to->items[i].bytes, from->items[i].bytes, from->items[i].length);
	}
}

/** What lies in the table, with the bytes. */
static void hash_table(struct world *w, char sum[64])
{
	char command[512];
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "cd %s && find . -type f ! -name '*.lock' | LC_ALL=C sort | xargs md5sum | md5sum", w->table);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(sum, 64, pipe));
	pclose(pipe);
}

enum newer { NEWER_PUBLISHED, NEWER_MOVED_AWAY, NEWER_BEGUN, NEWER_PREPARED, NEWER_WITHOUT_ROWS };

/** A job goes on from a checkpoint although there was a newer one: allowed as long as nothing of that has been published. */
static void go_back(uint64_t seed, bool is_partitioned, enum newer newer, bool from_nothing)
{
	struct world *w = world_create(seed, "plain", is_partitioned);
	struct job *job = &w->jobs[0];
	struct checkpoint older = {.number = 0};
	char before[64], after[64], command[200];

	job->writer_count = 1 + (uint32_t)(seed % 2);
	assert_true(job_open(job));
	if (!from_nothing) {
		assert_true(write_some(job, 0, 0, 50) && job_checkpoint(job, false, true));
		checkpoint_copy(&older, &job->complete);
	}
	if (newer != NEWER_WITHOUT_ROWS)
		assert_true(write_some(job, job->writer_count - 1, job->subtask_count[job->writer_count - 1] - 1, 50));
	if (newer == NEWER_PUBLISHED || newer == NEWER_MOVED_AWAY || newer == NEWER_WITHOUT_ROWS)
		assert_true(job_checkpoint(job, false, true));
	else
		job_prepare(job);
	if (newer == NEWER_BEGUN) {
		/* Dies while it publishes, the epoch being the first thing to be renamed. */
		w->disk.die_at = w->disk.calls + 4;
		(void)commit_sink(job, job->writer_count - 1, job->subtask_count[job->writer_count - 1] - 1);
	}
	w->disk.die_at = 1;
	job_close(job);
	fault_disk_settle(&w->disk);
	if (newer == NEWER_MOVED_AWAY) {
		snprintf(command, sizeof(command), "find %s -name 'part-*' -delete", w->table);
		assert_int_equal(system(command), 0);
	}
	checkpoint_copy(&job->complete, &older);
	checkpoint_clear(&older);
	if (newer == NEWER_PREPARED || newer == NEWER_WITHOUT_ROWS) {
		if (!job_open(job))
			fail_msg("%s", w->st.message);
		assert_true(write_some(job, 0, 0, 10));
		job_end(job);
		assert_int_equal(w->held_count, 0);
	} else {
		hash_table(w, before);
		assert_false(job_open(job));
		assert_int_equal(w->st.code, TR_ERR_DATA);
		if (strstr(w->st.message, "has been published") == NULL || strstr(w->st.message, "--fresh") == NULL)
			fail_msg("%s", w->st.message);
		job_close(job);
		hash_table(w, after);
		assert_string_equal(before, after);
		/* What the message says: who accepts rows twice removes the epochs. */
		snprintf(command, sizeof(command), "cd %s && rm .part-*.published%s", w->table,
			 newer == NEWER_MOVED_AWAY ? " && touch .part-" JOB_A "-0-9.published" : "");
		assert_int_equal(system(command), 0);
		if (newer == NEWER_MOVED_AWAY) /* what the message says when files are gone */
			job->complete.number = 9;
		assert_true(job_create(job) && for_each(job, recover_sink));
		job_close(job);
	}
	world_destroy(w);
}

static void test_going_back(void **state)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		for (enum newer newer = NEWER_PUBLISHED; newer <= NEWER_WITHOUT_ROWS; newer++)
			go_back(seed, seed % 4 < 2, newer, false);
		go_back(seed, seed % 4 < 2, NEWER_PUBLISHED, true);
		go_back(seed, seed % 4 < 2, NEWER_PREPARED, true);
	}
}

/** Hostile records: every cut and many changed bytes are refused or name nothing outside of the table. */
static void test_bad_records(void **state)
{
	struct world *w = world_create(10, "plain", true);
	struct job *job = &w->jobs[0];
	struct tr_sink_context context = {.env = &w->env, .io = w->io, .subtask_count = 1, .has_checkpoints = true};
	const struct tr_state_origin origin = {0, 1, 1};
	struct tr_sink *sink = NULL;
	struct saved saved;
	uint64_t seed = 3;
	uint32_t refused = 0;

	assert_true(job_open(job));
	assert_true(write_some(job, 0, 0, 40));
	job_prepare(job);
	saved = job->complete.items[0];
	for (size_t i = 0; i < saved.length + 3000; i++) {
		char *bytes = tr_io_calloc(saved.length, 1);
		struct tr_state_record record = {.kind = saved.kind, .bytes = bytes, .length = saved.length};
		tr_code code;

		memcpy(bytes, saved.bytes, saved.length);
		if (i < saved.length)
			record.length = i;
		else
			bytes[tr_test_below(&seed, (uint32_t)saved.length)] = (char)tr_test_below(&seed, 256);
		assert_int_equal(ops_of(job)->open(&job->spec, &context, &sink, &w->st), TR_OK);
		code = ops_of(job)->load(sink, &origin, &record, &w->st);
		if (code != TR_OK) {
			assert_int_equal(code, TR_ERR_DATA);
			assert_non_null(strstr(w->st.message, "can't be read"));
			refused++;
		}
		ops_of(job)->close(&sink);
		free(bytes);
	}
	assert_true(refused >= saved.length / 2);
	job_close(job);
	world_destroy(w);
}

/** Thousands of folders: one sync for each of them at prepare, and one at commit. */
static void test_one_sync_a_directory(void **state)
{
	struct world *w = world_create(11, "io_uring", true);
	struct job *job = &w->jobs[0];
	const int folders = tr_test_cases(100) == 100 ? 2000 : 300;
	uint32_t before;

	job->spec.options.count = 1;
	assert_true(job_create(job));
	while (job->positions[0] < folders * 3) {
		enum tr_flow flow;

		tr_batch_buffer_clear(w->batch);
		for (uint32_t i = 0; i < 500; i++) {
			((int32_t *)w->batch->columns[0].data)[i] = job->positions[0];
			((struct tr_view *)w->batch->columns[1].data)[i] = tr_batch_buffer_view(w->batch, "x", 1);
			((int32_t *)w->batch->columns[2].data)[i] = job->positions[0]++ % folders;
		}
		tr_batch_buffer_seal(w->batch, 500);
		flow = ops_of(job)->write(job->sinks[0][0], &w->batch->batch, &w->st);
		assert_int_equal(settle(job, 0, 0, flow), TR_FLOW_MORE);
	}
	job->number = 1;
	before = w->disk.directory_syncs;
	assert_true(prepare_sink(job, 0, 0));
	assert_int_equal(w->disk.directory_syncs - before, folders + 1);
	before = w->disk.directory_syncs;
	assert_true(commit_sink(job, 0, 0));
	assert_int_equal(w->disk.directory_syncs - before, folders + 1); /* and the epoch's */
	job_close(job);
	world_destroy(w);
}

/** A process that ends at once: real locks, real descriptors. */
static void test_killed_process(void **state)
{
	const uint64_t cases = tr_test_cases(20);

	for (uint64_t i = 0; i < cases; i++) {
		struct world *w = world_create(300 + i, "plain", true);
		struct job *job = &w->jobs[0];
		pid_t child;
		int status;

		assert_true(job_open(job));
		assert_true(write_some(job, 0, 0, 50));
		job_prepare(job);
		w->disk.die_at = 1;
		job_close(job);
		fault_disk_settle(&w->disk);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) { /* recovers, writes, prepares, and is gone */
			bool is_good = job_open(job);

			for (uint32_t n = tr_test_below(&w->seed, 20); is_good && n > 0; n--)
				is_good = write_some(job, 0, 0, 50);
			job->number++;
			_exit(is_good && (tr_test_below(&w->seed, 2) == 0 || for_each(job, prepare_sink)) ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		assert_true(job_open(job));
		job_end(job);
		assert_int_equal(w->held_count, 0);
		world_destroy(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lives),
		cmocka_unit_test(test_power_after_recovery),
		cmocka_unit_test(test_two_jobs),
		cmocka_unit_test(test_failing_calls),
		cmocka_unit_test(test_table_is_not_what_it_was),
		cmocka_unit_test(test_going_back),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_one_sync_a_directory),
		cmocka_unit_test(test_killed_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
