/* SPDX-License-Identifier: Apache-2.0
 *
 * The harness of the tests of the filesystem source: readers on their own threads, each with its own queue, that treat
 * chunks as the runtime does. A chunk's rows count once the chunk before has said where it ends; a wrong guess is
 * rewound; a failure behind a wrong guess is forgotten.
 */
#ifndef TR_TEST_SOURCE_H
#define TR_TEST_SOURCE_H

#include "tr_test.h"

#include <pthread.h>
#include <unistd.h>

#include "base/bytes.h"
#include "io/disk.h"
#include "io/source.h"
#include "test_lines.h"

#define SPLITS_MAX 4
#define CHUNKS_MAX 60000

static const struct tr_format lines = {.name = "lines", .decoder = &test_lines_decoder};

struct chunk {
	struct tr_bytes rows; /* "id|text;" of each row */
	int64_t end;
	bool is_confirmed;
	bool is_split_end;
};

struct run {
	struct tr_environment *env;
	struct tr_table_spec spec;
	struct tr_schema schema;
	const char *names[8];
	const struct tr_type *types[8];
	uint32_t partition_columns[4];
	struct tr_option options[12];
	const struct tr_source_ops *ops;
	struct tr_source *source;
	uint32_t batch_rows;

	pthread_mutex_t lock;
	pthread_cond_t moved;
	struct chunk *chunks[SPLITS_MAX];
	bool has_failed;
	struct tr_status st;
	uint64_t rewinds;
};

static char directory[64];

static inline int group_set_up(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/tr_source_test.XXXXXX");
	return mkdtemp(directory) == NULL;
}

static inline void clean(void)
{
	char command[256];

	snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s/*", directory, directory);
	assert_int_equal(system(command), 0);
}

static inline int group_tear_down(void **state)
{
	clean();
	return rmdir(directory);
}

static inline const char *path_of(const char *name)
{
	static char paths[4][160];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, 160, "%s/%s", directory, name);
	return path;
}

static inline void write_file(const char *name, const void *bytes, size_t length)
{
	FILE *file = fopen(path_of(name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static inline void run_init(struct run *run, const char *disk, const char *path, const char *chunk_bytes)
{
	memset(run, 0, sizeof(*run));
	setenv("TAILRACE_IO", disk, 1);
	assert_int_equal(tr_environment_real_create(&run->env, NULL), TR_OK);
	setenv("TAILRACE_IO", "", 1);
	run->names[0] = "id";
	run->names[1] = "text";
	run->types[0] = tr_type_of(TR_TYPE_BIGINT);
	run->types[1] = tr_type_of(TR_TYPE_VARCHAR);
	run->schema = (struct tr_schema){.column_count = 2, .names = run->names, .types = run->types};
	run->options[0] = (struct tr_option){"path", path};
	run->options[1] = (struct tr_option){"source.chunk-size", chunk_bytes};
	run->spec = (struct tr_table_spec){.name = "t",
					   .connector = tr_registry_find_connector("filesystem"),
					   .format = &lines,
					   .options = {.items = run->options, .count = 2},
					   .schema = &run->schema,
					   .time_zone = "UTC",
					   .job_id = "0123456789abcdef0123456789abcdef",
					   .batch_rows = 7};
	run->ops = run->spec.connector->source;
	run->batch_rows = 7;
	pthread_mutex_init(&run->lock, NULL);
	pthread_cond_init(&run->moved, NULL);
	for (int i = 0; i < SPLITS_MAX; i++)
		run->chunks[i] = calloc(CHUNKS_MAX, sizeof(struct chunk));
}

static inline void run_deinit(struct run *run)
{
	for (int i = 0; i < SPLITS_MAX; i++) {
		for (int c = 0; run->chunks[i][c].is_confirmed; c++)
			tr_bytes_deinit(&run->chunks[i][c].rows);
		free(run->chunks[i]);
	}
	if (run->source != NULL)
		run->ops->close(&run->source);
	tr_environment_real_destroy(&run->env);
	pthread_mutex_destroy(&run->lock);
	pthread_cond_destroy(&run->moved);
}

static inline void append_rows(struct tr_bytes *out, const struct tr_batch *batch)
{
	for (uint32_t i = 0; i < batch->row_count; i++) {
		const struct tr_view *text = tr_column_view(&batch->columns[1], i);

		tr_bytes_printf(out, "%lld|%.*s", (long long)tr_column_i64(&batch->columns[0], i), (int)text->length,
				tr_view_text(text));
		for (uint32_t c = 2; c < batch->schema->column_count; c++) {
			const struct tr_column *column = &batch->columns[c];

			if (tr_column_is_null(column, i))
				tr_bytes_printf(out, "|NULL");
			else if (column->type->phys == TR_PHYS_I32)
				tr_bytes_printf(out, "|%d", tr_column_i32(column, i));
			else
				tr_bytes_printf(out, "|%.*s", (int)tr_column_view(column, i)->length,
						tr_view_text(tr_column_view(column, i)));
		}
		tr_bytes_append_char(out, ';');
	}
}

struct worker {
	struct run *run;
	uint32_t subtask;
	uint32_t count;
};

/** Waits for the carry into the chunk; returns the exact start, or -1 when the run has failed. */
static inline int64_t carry_of(struct run *run, const struct tr_chunk_info *info)
{
	int64_t start = -1;

	if (info->chunk == 0)
		return info->start;
	pthread_mutex_lock(&run->lock);
	while (!run->has_failed && !run->chunks[info->split][info->chunk - 1].is_confirmed)
		pthread_cond_wait(&run->moved, &run->lock);
	if (run->chunks[info->split][info->chunk - 1].is_confirmed)
		start = run->chunks[info->split][info->chunk - 1].end;
	pthread_mutex_unlock(&run->lock);
	return start;
}

static inline void fail_run(struct run *run, const struct tr_status *st)
{
	pthread_mutex_lock(&run->lock);
	if (!run->has_failed)
		run->st = *st;
	run->has_failed = true;
	pthread_cond_broadcast(&run->moved);
	pthread_mutex_unlock(&run->lock);
}

/** What a subtask does with a chunk that has ended or failed. False: stop. */
static inline bool settle(struct run *run, struct tr_source_reader *reader, struct tr_chunk_info *info,
			  struct tr_bytes *rows, const struct tr_status *failure)
{
	const int64_t start = carry_of(run, info);
	struct chunk *chunk = &run->chunks[info->split][info->chunk];

	if (start < 0)
		return false;
	if (start != info->start) {
		pthread_mutex_lock(&run->lock);
		run->rewinds++;
		pthread_mutex_unlock(&run->lock);
		tr_bytes_clear(rows);
		run->ops->rewind(reader, start);
		return true;
	}
	if (failure != NULL) {
		fail_run(run, failure);
		return false;
	}
	pthread_mutex_lock(&run->lock);
	assert_false(chunk->is_confirmed);
	tr_bytes_append(&chunk->rows, rows->data, rows->length);
	chunk->end = info->end;
	chunk->is_split_end = info->is_split_end;
	chunk->is_confirmed = true;
	pthread_cond_broadcast(&run->moved);
	pthread_mutex_unlock(&run->lock);
	tr_bytes_clear(rows);
	return true;
}

static inline void *worker_main(void *argument)
{
	struct worker *worker = argument;
	struct run *run = worker->run;
	struct tr_source_context context = {.env = run->env, .subtask = worker->subtask, .subtask_count = worker->count};
	struct tr_batch_buffer *batch = tr_batch_buffer_create(&run->schema, run->batch_rows);
	struct tr_source_reader *reader = NULL;
	struct tr_bytes rows = {0};
	struct tr_status st = {0};
	bool is_running = true;

	assert_int_equal(run->env->disk->ops->queue_create(run->env->disk, 8, &context.io, NULL), TR_OK);
	assert_int_equal(run->ops->reader_open(run->source, &context, &reader, &st), TR_OK);
	while (is_running) {
		struct tr_chunk_info info;
		enum tr_flow flow;

		tr_batch_buffer_clear(batch);
		flow = run->ops->poll(reader, batch, &info, &st);
		switch (flow) {
		case TR_FLOW_DONE: is_running = false; break;
		case TR_FLOW_BLOCKED:
			assert_true(context.wake_at_ns == INT64_MAX);
			(void)tr_io_wait(context.io, 1000000000);
			break;
		case TR_FLOW_MORE:
			if (info.is_first)
				assert_int_equal(rows.length, 0);
			append_rows(&rows, &batch->batch);
			if (info.is_last)
				is_running = settle(run, reader, &info, &rows, NULL);
			break;
		case TR_FLOW_FAILED:
			if (st.code != TR_ERR_DATA || (strstr(st.message, "offset") == NULL)) {
				fail_run(run, &st);
				is_running = false;
				break;
			}
			is_running = settle(run, reader, &info, &rows, &st);
			break;
		}
	}
	run->ops->reader_close(&reader);
	assert_null(reader);
	run->env->disk->ops->queue_destroy(run->env->disk, &context.io);
	tr_batch_buffer_destroy(&batch);
	tr_bytes_deinit(&rows);
	return NULL;
}

/** Opens, reads with `readers` threads; the rows in order, or the error in run->st. */
static inline char *read_all(struct run *run, uint32_t readers)
{
	struct worker workers[8];
	pthread_t threads[8];
	struct tr_bytes all = {0};
	uint64_t known, begun;

	if (run->ops->open(&run->spec, run->env, readers, &run->source, &run->st) != TR_OK) {
		assert_null(run->source);
		run->has_failed = true;
		return NULL;
	}
	for (uint32_t i = 0; i < readers; i++) {
		workers[i] = (struct worker){.run = run, .subtask = i, .count = readers};
		assert_int_equal(pthread_create(&threads[i], NULL, worker_main, &workers[i]), 0);
	}
	for (uint32_t i = 0; i < readers; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	if (run->has_failed)
		return NULL;
	run->ops->progress(run->source, &known, &begun);
	assert_int_equal(known, begun);
	assert_true(known <= SPLITS_MAX);
	for (uint64_t s = 0; s < known; s++) {
		uint64_t c = 0;

		for (; run->chunks[s][c].is_confirmed; c++) {
			tr_bytes_append(&all, run->chunks[s][c].rows.data, run->chunks[s][c].rows.length);
			assert_int_equal(run->chunks[s][c].is_split_end, !run->chunks[s][c + 1].is_confirmed);
		}
		assert_true(c > 0);
	}
	tr_bytes_append_char(&all, '\0');
	return all.data;
}

/** Reads with every combination of readers, chunk sizes and disks and compares. */
static inline void expect_rows_as(const struct tr_format *format, const char *name, const char *expected)
{
	static const char *const chunk_sizes[] = {"1", "7", "64", "1000", "1mb"};
	static const char *const disks[] = {"plain", "io_uring"};
	static const uint32_t readers[] = {1, 2, 5};
	char path[160];

	snprintf(path, sizeof(path), "%s", path_of(name));
	for (int i = 0; i < 30; i++) {
		struct run run;
		char *rows;

		if (i % 5 == 0 && strlen(expected) > 20000)
			continue; /* one byte per chunk is for small files */
		run_init(&run, disks[i / 15], path, chunk_sizes[i % 5]);
		run.spec.format = format;
		rows = read_all(&run, readers[i / 5 % 3]);
		if (rows == NULL || strcmp(rows, expected) != 0)
			print_error("disk %s, %u readers, chunks of %s: %s\n", disks[i / 15], readers[i / 5 % 3],
				    chunk_sizes[i % 5], rows == NULL ? run.st.message : "other rows");
		assert_non_null(rows);
		assert_string_equal(rows, expected);
		free(rows);
		run_deinit(&run);
	}
}

static inline void expect_rows(const char *name, const char *expected) { expect_rows_as(&lines, name, expected); }

/** Random records, some with quoted line ends, some long; the file's text and the rows expected. */
static inline void generate(uint64_t seed, int count, int long_bytes, const char *line_end, struct tr_bytes *file,
			    struct tr_bytes *expected)
{
	for (int i = 0; i < count; i++) {
		const uint32_t shape = tr_test_below(&seed, 10);
		const uint32_t length = tr_test_below(&seed, shape == 0 ? (uint32_t)long_bytes : 20);

		tr_bytes_printf(file, "%d,", i);
		tr_bytes_printf(expected, "%d|", i);
		if (shape >= 5)
			tr_bytes_append_char(file, '"');
		for (uint32_t k = 0; k < length; k++) {
			const char c = shape < 5 ? (char)('a' + tr_test_below(&seed, 26))
						 : "ab,\"\n\n1"[tr_test_below(&seed, 7)];

			tr_bytes_append_char(file, c);
			tr_bytes_append_char(expected, c);
			if (c == '"')
				tr_bytes_append_char(file, c);
		}
		if (shape >= 5)
			tr_bytes_append_char(file, '"');
		tr_bytes_append_str(file, line_end);
		tr_bytes_append_char(expected, ';');
	}
	tr_bytes_append_char(expected, '\0');
}

static inline void expect_failure(const char *path, tr_code code, const char *text)
{
	static const char *const chunk_sizes[] = {"16", "1mb"};

	for (int i = 0; i < 4; i++) {
		struct run run;

		run_init(&run, i % 2 == 0 ? "plain" : "io_uring", path, chunk_sizes[i / 2]);
		assert_null(read_all(&run, 1 + (uint32_t)i));
		if (run.st.code != code || strstr(run.st.message, text) == NULL)
			print_error("code %d: %s\n", run.st.code, run.st.message);
		assert_int_equal(run.st.code, code);
		assert_non_null(strstr(run.st.message, text));
		assert_non_null(strstr(run.st.message, "table 't'"));
		run_deinit(&run);
	}
}

#endif
