/* SPDX-License-Identifier: Apache-2.0
 *
 * A job that writes to the filesystem sink with checkpoints, and the model of what is published: what sink_file_commit_test and
 * file_epoch_test share.
 *
 * It writes rows with the numbers 0, 1, 2 .. through one or two sinks of some subtasks each. Its model is the number of rows
 * of the last complete checkpoint: exactly these are published after its commit and after each recovery, each in the folder of
 * its partition, and never a row beyond.
 */
#ifndef TR_TESTS_SINK_FILE_JOB_H
#define TR_TESTS_SINK_FILE_JOB_H

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

static inline void job_init(struct world *w, struct job *job, const char *id, int base, uint32_t writers)
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

static inline struct world *world_create(uint64_t seed, const char *disk, bool is_partitioned)
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

static inline void checkpoint_clear(struct checkpoint *checkpoint)
{
	for (uint32_t i = 0; i < checkpoint->count; i++)
		free(checkpoint->items[i].bytes);
	free(checkpoint->items);
	*checkpoint = (struct checkpoint){0};
}

static inline void world_destroy(struct world *w)
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

static inline void read_file(struct world *w, const char *path, int key)
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

static inline void read_directory(struct world *w, const char *path, int key)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	struct tr_bytes child = {0};

	if (directory == NULL)
		return;
	while ((entry = readdir(directory)) != NULL) {
		tr_bytes_clear(&child);
		tr_bytes_printf(&child, "%s/%s", path, entry->d_name);
		tr_bytes_append_char(&child, '\0');
		if (strncmp(entry->d_name, "k=", 2) == 0)
			read_directory(w, child.data, atoi(entry->d_name + 2));
		else if (strncmp(entry->d_name, "part-", 5) == 0)
			read_file(w, child.data, key);
		else if (strstr(entry->d_name, ".held.pending") != NULL)
			w->held_count++;
	}
	tr_bytes_deinit(&child);
	closedir(directory);
}

/** Of each writer exactly the rows before its position are published; or, if not `is_exact`, none beyond, and none twice. */
static inline void expect_published(struct job *job, bool is_exact)
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

static inline bool took_code(struct job *job, tr_code code)
{
	if (code == TR_OK)
		return true;
	assert_true(job->world->st.message[0] != '\0' && job->world->st.code == code);
	if (strstr(job->world->st.message, "table 't'") == NULL)
		fail_msg("%s", job->world->st.message);
	job->has_failed = true;
	return false;
}

static inline bool took_flow(struct job *job, enum tr_flow flow)
{
	return flow != TR_FLOW_FAILED || took_code(job, job->world->st.code);
}

/** Shuffles 0 .. count - 1: the order in which sinks are asked. */
static inline void shuffle(struct world *w, uint32_t *order, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t other = tr_test_below(&w->seed, i + 1);

		order[i] = order[other];
		order[other] = i;
	}
}

typedef bool (*sink_fn)(struct job *job, uint32_t writer, uint32_t subtask);

/** For each sink, in any order, until one fails. */
static inline bool for_each(struct job *job, sink_fn fn)
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

static inline void job_close(struct job *job)
{
	for (uint32_t i = 0; i < WRITERS_MAX * SUBTASKS_MAX; i++)
		ops_of(job)->close(&job->sinks[i / SUBTASKS_MAX][i % SUBTASKS_MAX]);
	job->is_open = false;
}

static inline bool job_create(struct job *job)
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

static inline bool recover_sink(struct job *job, uint32_t writer, uint32_t subtask)
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
static inline bool job_open(struct job *job)
{
	if (!job_create(job) || !for_each(job, recover_sink))
		return false;
	expect_published(job, true);
	return true;
}

static inline enum tr_flow settle(struct job *job, uint32_t writer, uint32_t subtask, enum tr_flow flow)
{
	while (flow == TR_FLOW_BLOCKED) {
		(void)tr_io_wait(job->world->io, 1000000000);
		flow = ops_of(job)->resume(job->sinks[writer][subtask], &job->world->st);
	}
	return flow;
}

static inline bool write_some(struct job *job, uint32_t writer, uint32_t subtask, uint32_t count)
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

static inline bool prepare_sink(struct job *job, uint32_t writer, uint32_t subtask)
{
	enum tr_flow flow;

	while ((flow = ops_of(job)->prepare(job->sinks[writer][subtask], job->number, &job->world->st)) ==
	       TR_FLOW_BLOCKED)
		(void)tr_io_wait(job->world->io, 1000000000);
	return took_flow(job, flow);
}

static inline bool commit_sink(struct job *job, uint32_t writer, uint32_t subtask)
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

static inline tr_code record_put(struct tr_state_writer *writer, const struct tr_state_record *record,
				 struct tr_status *st)
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
static inline bool job_save(struct job *job, struct checkpoint *into)
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
static inline void write_early(struct job *job)
{
	struct world *w = job->world;
	const uint32_t writer = tr_test_below(&w->seed, job->writer_count);
	const uint32_t subtask = tr_test_below(&w->seed, job->subtask_count[writer]);

	for (int i = 0; i < 4 && write_some(job, writer, subtask, 200); i++)
		(void)tr_io_wait(w->io, 100000);
}

/** A barrier, and what follows from it. False: the job has failed. */
static inline bool job_checkpoint(struct job *job, bool is_given_up, bool is_last)
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
static inline void job_prepare(struct job *job)
{
	job->number++;
	assert_true(for_each(job, prepare_sink));
	checkpoint_clear(&job->complete);
	assert_true(job_save(job, &job->complete));
}

static inline bool job_step(struct job *job)
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
static inline void job_end(struct job *job)
{
	assert_true(job_checkpoint(job, false, true));
	assert_int_equal(job->complete.positions[0], job->positions[0]);
	job_close(job);
	expect_published(job, true);
}

/** A life that ends at once, with the power if `has_no_power`. */
static inline void job_die(struct job *job, bool has_no_power)
{
	struct world *w = job->world;

	w->disk.die_at = 1;
	job_close(job);
	if (has_no_power)
		fault_disk_cut_power(&w->disk);
	fault_disk_settle(&w->disk);
}

/** The first rows of a life, in a checkpoint that is complete and not committed. */
static inline void job_begin_prepared(struct job *job, uint32_t rows)
{
	assert_true(job_open(job));
	assert_true(write_some(job, 0, 0, rows));
	job_prepare(job);
}

#endif
