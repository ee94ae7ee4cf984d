/* SPDX-License-Identifier: Apache-2.0
 *
 * The filesystem source against the rows that the test wrote: readers on their own threads, each with its own queue,
 * take chunks down to a few bytes; a chunk's rows count once the chunk before has said where it ends, and a wrong guess
 * is rewound, as the runtime does it. Whatever the number of readers, the chunk size and the disk, the rows are those
 * of one reader from front to back.
 */
#include "tr_test.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"
#include "io/disk.h"
#include "io/source.h"
#include "test_lines.h"

#define SPLITS_MAX 8
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

static int group_set_up(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/tr_source_test.XXXXXX");
	return mkdtemp(directory) == NULL;
}

static void clean(void)
{
	char command[256];

	snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s/*", directory, directory);
	assert_int_equal(system(command), 0);
}

static int group_tear_down(void **state)
{
	clean();
	return rmdir(directory);
}

static const char *path_of(const char *name)
{
	static char paths[4][160];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, 160, "%s/%s", directory, name);
	return path;
}

static void write_file(const char *name, const void *bytes, size_t length)
{
	FILE *file = fopen(path_of(name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void run_init(struct run *run, const char *disk, const char *path, const char *chunk_bytes)
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
	run->spec = (struct tr_table_spec){
		.name = "t", .connector = tr_registry_find_connector("filesystem"), .format = &lines,
		.options = {.items = run->options, .count = 2}, .schema = &run->schema, .time_zone = "UTC",
		.job_id = "0123456789abcdef0123456789abcdef", .batch_rows = 7};
	run->ops = run->spec.connector->source;
	run->batch_rows = 7;
	pthread_mutex_init(&run->lock, NULL);
	pthread_cond_init(&run->moved, NULL);
	for (int i = 0; i < SPLITS_MAX; i++)
		run->chunks[i] = calloc(CHUNKS_MAX, sizeof(struct chunk));
}

static void run_deinit(struct run *run)
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

static void append_rows(struct tr_bytes *out, const struct tr_batch *batch)
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
static int64_t carry_of(struct run *run, const struct tr_chunk_info *info)
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

static void fail_run(struct run *run, const struct tr_status *st)
{
	pthread_mutex_lock(&run->lock);
	if (!run->has_failed)
		run->st = *st;
	run->has_failed = true;
	pthread_cond_broadcast(&run->moved);
	pthread_mutex_unlock(&run->lock);
}

/** What a subtask does with a chunk that has ended or failed. False: stop. */
static bool settle(struct run *run, struct tr_source_reader *reader, struct tr_chunk_info *info, struct tr_bytes *rows,
		   bool has_failed, struct tr_batch_buffer *batch)
{
	struct tr_status st = {0};
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
	if (has_failed) {
		enum tr_flow flow;

		do {
			tr_batch_buffer_clear(batch);
			flow = run->ops->poll(reader, batch, info, &st);
		} while (flow == TR_FLOW_BLOCKED);
		assert_int_equal(flow, TR_FLOW_FAILED);
		fail_run(run, &st);
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

static void *worker_main(void *argument)
{
	struct worker *worker = argument;
	struct run *run = worker->run;
	struct tr_source_context context = {.env = run->env, .subtask = worker->subtask,
					    .subtask_count = worker->count};
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
		case TR_FLOW_DONE:
			is_running = false;
			break;
		case TR_FLOW_BLOCKED:
			assert_true(context.wake_at_ns == INT64_MAX);
			(void)tr_io_wait(context.io, 1000000000);
			break;
		case TR_FLOW_MORE:
			if (info.is_first)
				assert_int_equal(rows.length, 0);
			append_rows(&rows, &batch->batch);
			if (info.is_last)
				is_running = settle(run, reader, &info, &rows, false, batch);
			break;
		case TR_FLOW_FAILED:
			if (st.code != TR_ERR_DATA || (strstr(st.message, "offset") == NULL)) {
				fail_run(run, &st);
				is_running = false;
				break;
			}
			is_running = settle(run, reader, &info, &rows, true, batch);
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
static char *read_all(struct run *run, uint32_t readers)
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
static void expect_rows(const char *name, const char *expected)
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

/** Random records, some with quoted line ends, some long; the file's text and the rows expected. */
static void generate(uint64_t seed, int count, int long_bytes, const char *line_end, struct tr_bytes *file,
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

static void test_every_reader_count_and_chunk_size(void **state)
{
	struct tr_bytes file = {0}, expected = {0};

	for (uint64_t seed = 1; seed <= 3; seed++) {
		tr_bytes_clear(&file);
		tr_bytes_clear(&expected);
		generate(seed, 60, 300, seed == 2 ? "\r\n" : "\n", &file, &expected);
		write_file("a.txt", file.data, file.length);
		expect_rows("a.txt", expected.data);
	}
	clean();
	tr_bytes_clear(&file);
	tr_bytes_clear(&expected);
	generate(9, 1500, 3000, "\n", &file, &expected);
	write_file("a.txt", file.data, file.length);
	expect_rows("a.txt", expected.data);
	clean();
	tr_bytes_deinit(&file);
	tr_bytes_deinit(&expected);
}

static void test_edges(void **state)
{
	static const struct { const char *text, *rows; } cases[] = {
		{"", ""}, {"\n", ""}, {"1,a", "1|a;"}, {"1,a\n", "1|a;"}, {"1,a\r\n2,b\r\n", "1|a;2|b;"},
		{"\xef\xbb\xbf" "1,a\n2,b", "1|a;2|b;"}, {"\xef\xbb\xbf", ""}, {"1,a\n\n\n\n2,b\n\n", "1|a;2|b;"},
		{"1,\"\n\n\n\n\n\n\n\"\n2,\"\n\"", "1|\n\n\n\n\n\n\n;2|\n;"}, {"\n\n\n1,a\n", "1|a;"},
		{"1,\"2,x\n3,y\n4,z\n\"\n5,e\n", "1|2,x\n3,y\n4,z\n;5|e;"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file("e.txt", cases[i].text, strlen(cases[i].text));
		expect_rows("e.txt", cases[i].rows);
	}
	clean();
}

/** A record of 3 MB between short ones: longer than the margin, longer than many chunks. */
static void test_record_longer_than_chunks(void **state)
{
	const size_t length = 3 << 20;
	char *text = malloc(length + 100);
	char *expected = malloc(length + 100);
	size_t n = (size_t)sprintf(text, "1,a\n2,\"");

	memset(text + n, 'x', length);
	for (size_t i = 0; i < length; i += 1000)
		text[n + i] = '\n';
	sprintf(expected, "1|a;2|%.*s;3|c;", (int)length, text + n);
	sprintf(text + n + length, "\"\n3,c\n");
	write_file("l.txt", text, strlen(text));
	for (int i = 0; i < 4; i++) {
		struct run run;
		char *rows;

		run_init(&run, i % 2 == 0 ? "plain" : "io_uring", path_of("l.txt"), "100kb");
		rows = read_all(&run, i < 2 ? 1 : 3);
		assert_non_null(rows);
		assert_string_equal(rows, expected);
		if (i < 2)
			assert_true(run.rewinds > 0);
		free(rows);
		run_deinit(&run);
	}
	free(text);
	free(expected);
	clean();
}

static void expect_failure(const char *path, tr_code code, const char *text)
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

static void test_bad_record_is_named(void **state)
{
	struct tr_bytes file = {0};
	char text[300];

	for (int i = 1; i <= 16; i++)
		tr_bytes_printf(&file, "%d,\xc3\xa9\"line\"\n", i);
	snprintf(text, sizeof(text), "%s: line 17, column 1, byte offset %zu: field 'id': 'abc' is not a BIGINT",
		 path_of("bad.txt"), file.length);
	tr_bytes_append_str(&file, "abc,x\n18,y\n");
	write_file("bad.txt", file.data, file.length);
	expect_failure(path_of("bad.txt"), TR_ERR_DATA, text);
	/* A line break that looks like an error to who guesses is none. */
	write_file("bad.txt", "1,\"oh\nno\nno\nno\nno\nno\nno\n\"\nzz,1\n", 31);
	expect_failure(path_of("bad.txt"), TR_ERR_DATA, "line 9, column 1, byte offset 26");
	tr_bytes_deinit(&file);
	clean();
}

static void test_paths(void **state)
{
	char local[200];
	struct run run;
	char *rows;

	expect_failure(path_of("nothing.txt"), TR_ERR_NO_INPUT, "No such file or directory");
	expect_failure(path_of("*.txt"), TR_ERR_NO_INPUT, "no file matches");
	expect_failure("s3://bucket/x", TR_ERR_DATA, "scheme 's3' is not supported");
	expect_failure("/dev/null", TR_ERR_NO_INPUT, "neither a regular file nor a directory");
	assert_int_equal(mkdir(path_of("d"), 0755), 0);
	assert_int_equal(mkdir(path_of("d/sub"), 0755), 0);
	assert_int_equal(mkdir(path_of("d/_tmp"), 0755), 0);
	expect_rows("d", "");
	write_file("d/b.txt", "2,b\n", 4);
	write_file("d/a.txt", "1,a\n", 4);
	write_file("d/sub/c.txt", "3,c", 3);
	write_file("d/.hidden", "4,x\n", 4);
	write_file("d/_hidden", "5,x\n", 4);
	write_file("d/_tmp/f.txt", "6,x\n", 4);
	write_file("d/z.log", "", 0);
	expect_rows("d", "1|a;2|b;3|c;");
	expect_rows("d/", "1|a;2|b;3|c;");
	expect_rows("d/*.txt", "1|a;2|b;");
	expect_rows("d/[b-z]*", "2|b;3|c;");
	expect_rows("*/sub/?.txt", "3|c;");
	expect_rows("d/_hidden", "5|x;");
	snprintf(local, sizeof(local), "file://%s", path_of("d/a.txt"));
	run_init(&run, "plain", local, "1mb");
	rows = read_all(&run, 1);
	assert_string_equal(rows, "1|a;");
	assert_non_null(strstr(run.ops->split_name(run.source, 0), "/d/a.txt"));
	free(rows);
	run_deinit(&run);
	write_file("d/q.bz2", "", 0);
	expect_failure(path_of("d/q.bz2"), TR_ERR_DATA, "'bz2' is not supported");
	if (geteuid() != 0) {
		chmod(path_of("d/sub"), 0);
		expect_failure(path_of("d"), TR_ERR_PERMISSION, "Permission denied");
	}
	clean();
}

/* ---- compressed input ---- */

static void write_gzip(const char *name, const char *text, size_t length, size_t member_bytes)
{
	for (size_t at = 0; at < length || at == 0; at += member_bytes) {
		const size_t n = at + member_bytes < length ? member_bytes : length - at;
		gzFile file = gzopen(path_of(name), at == 0 ? "wb" : "ab");

		assert_non_null(file);
		if (n > 0)
			assert_int_equal(gzwrite(file, text + at, (unsigned)n), n);
		assert_int_equal(gzclose(file), Z_OK);
		if (n == 0)
			break;
	}
}

static void write_zstd(const char *name, const char *text, size_t length, size_t frame_bytes)
{
	struct tr_bytes out = {0};

	for (size_t at = 0; at < length; at += frame_bytes) {
		const size_t n = at + frame_bytes < length ? frame_bytes : length - at;
		const size_t bound = ZSTD_compressBound(n);

		out.length += ZSTD_compress(tr_bytes_reserve(&out, bound), bound, text + at, n, 3);
	}
	write_file(name, out.data, out.length);
	tr_bytes_deinit(&out);
}

static void test_compressed(void **state)
{
	struct tr_bytes file = {0}, expected = {0};

	generate(5, 400, 3000, "\n", &file, &expected);
	write_gzip("a.gz", file.data, file.length, 1 << 30);
	expect_rows("a.gz", expected.data);
	write_gzip("m.gz", file.data, file.length, 777);
	expect_rows("m.gz", expected.data);
	write_zstd("a.zst", file.data, file.length, 1 << 30);
	expect_rows("a.zst", expected.data);
	write_zstd("m.zst", file.data, file.length, 777);
	expect_rows("m.zst", expected.data);
	clean();
	write_gzip("e.gz", "", 0, 1);
	expect_rows("e.gz", "");
	write_gzip("b.gz", "\xef\xbb\xbf" "1,a", 6, 100);
	expect_rows("b.gz", "1|a;");
	write_file("0.gz", "", 0);
	expect_rows("0.gz", "");
	tr_bytes_deinit(&file);
	tr_bytes_deinit(&expected);
	clean();
}

static void test_compressed_damage(void **state)
{
	struct tr_bytes file = {0}, expected = {0};
	char bytes[1 << 16];
	FILE *f;
	size_t length;

	generate(6, 400, 3000, "\n", &file, &expected);
	for (int kind = 0; kind < 2; kind++) {
		const char *name = kind == 0 ? "x.gz" : "x.zst";

		if (kind == 0)
			write_gzip(name, file.data, file.length, 1 << 30);
		else
			write_zstd(name, file.data, file.length, 1 << 30);
		f = fopen(path_of(name), "rb");
		length = fread(bytes, 1, sizeof(bytes), f);
		fclose(f);
		assert_in_range(length, 2000, sizeof(bytes) - 1);
		write_file(name, bytes, length - 9);
		expect_failure(path_of(name), TR_ERR_DATA, "the file was cut short");
		for (size_t i = length / 2; i < length / 2 + 60; i++)
			bytes[i] = (char)~bytes[i];
		write_file(name, bytes, length);
		expect_failure(path_of(name), TR_ERR_DATA, "byte offset");
		write_file(name, "this is not compressed", 22);
		expect_failure(path_of(name), TR_ERR_DATA, kind == 0 ? "damaged gzip data" : "damaged zstd data");
	}
	write_gzip("l.gz", "1,a\n2,b\nc,d\n", 12, 5);
	expect_failure(path_of("l.gz"), TR_ERR_DATA, "line 3, column 1, byte offset 8: field 'id': 'c'");
	tr_bytes_deinit(&file);
	tr_bytes_deinit(&expected);
	clean();
}

/* ---- partitions ---- */

static void read_partitioned(const char *expected, tr_code code, const char *text)
{
	for (uint32_t readers = 1; readers <= 2; readers++) {
		struct run run;
		char *rows;

		run_init(&run, "plain", directory, "5");
		run.names[2] = "dt";
		run.names[3] = "hour of day";
		run.types[2] = tr_type_of(TR_TYPE_VARCHAR);
		run.types[3] = tr_type_of(TR_TYPE_INT);
		run.schema.column_count = 4;
		run.partition_columns[0] = 2;
		run.partition_columns[1] = 3;
		run.spec.partition_columns = run.partition_columns;
		run.spec.partition_count = 2;
		rows = read_all(&run, readers);
		if (code == TR_OK) {
			assert_non_null(rows);
			assert_string_equal(rows, expected);
		} else {
			assert_null(rows);
			assert_int_equal(run.st.code, code);
			assert_non_null(strstr(run.st.message, text));
		}
		free(rows);
		run_deinit(&run);
	}
}

static void test_partition_columns(void **state)
{
	assert_int_equal(mkdir(path_of("dt=2001-01-01%3A%2F"), 0755), 0);
	assert_int_equal(mkdir(path_of("dt=2001-01-01%3A%2F/hour of day=7"), 0755), 0);
	assert_int_equal(mkdir(path_of("dt=__DEFAULT_PARTITION__"), 0755), 0);
	assert_int_equal(mkdir(path_of("dt=__DEFAULT_PARTITION__/hour of day=-8"), 0755), 0);
	write_file("dt=2001-01-01%3A%2F/hour of day=7/a.txt", "1,a\n2,b\n", 8);
	write_file("dt=__DEFAULT_PARTITION__/hour of day=-8/a.txt", "3,c\n", 4);
	read_partitioned("1|a|2001-01-01:/|7;2|b|2001-01-01:/|7;3|c|NULL|-8;", TR_OK, NULL);
	write_file("x.txt", "4,d\n", 4);
	read_partitioned(NULL, TR_ERR_DATA, "the path has no folder 'dt=...'");
	assert_int_equal(unlink(path_of("x.txt")), 0);
	assert_int_equal(mkdir(path_of("dt=1"), 0755), 0);
	assert_int_equal(mkdir(path_of("dt=1/hour of day=noon"), 0755), 0);
	write_file("dt=1/hour of day=noon/a.txt", "3,c\n", 4);
	read_partitioned(NULL, TR_ERR_DATA, "'noon' does not fit the type of partition column 'hour of day'");
	clean();
}

/* ---- what changes while it is read ---- */

static enum tr_flow poll_until(struct run *run, struct tr_source_context *context, struct tr_source_reader *reader,
			       struct tr_batch_buffer *batch, struct tr_chunk_info *info)
{
	enum tr_flow flow;

	for (int i = 0; i < 1000; i++) {
		tr_batch_buffer_clear(batch);
		flow = run->ops->poll(reader, batch, info, &run->st);
		if (flow != TR_FLOW_BLOCKED)
			return flow;
		if (context->wake_at_ns != INT64_MAX)
			return flow;
		(void)tr_io_wait(context->io, 1000000000);
	}
	return TR_FLOW_BLOCKED;
}

static void test_file_shrinks(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct tr_source_context context = {0};
		struct tr_source_reader *reader = NULL;
		struct tr_batch_buffer *batch;
		struct tr_chunk_info info;
		struct run run;
		enum tr_flow flow;
		char text[40000];

		for (size_t k = 0; k < sizeof(text); k += 8)
			memcpy(text + k, "1,abcde\n", 8);
		write_file("s.txt", text, sizeof(text));
		run_init(&run, i == 0 ? "plain" : "io_uring", path_of("s.txt"), "1000");
		batch = tr_batch_buffer_create(&run.schema, 7);
		assert_int_equal(run.ops->open(&run.spec, run.env, 1, &run.source, &run.st), TR_OK);
		assert_int_equal(run.env->disk->ops->queue_create(run.env->disk, 8, &context.io, NULL), TR_OK);
		context.env = run.env;
		assert_int_equal(run.ops->reader_open(run.source, &context, &reader, &run.st), TR_OK);
		assert_int_equal(poll_until(&run, &context, reader, batch, &info), TR_FLOW_MORE);
		assert_int_equal(truncate(path_of("s.txt"), 20000), 0);
		do {
			flow = poll_until(&run, &context, reader, batch, &info);
		} while (flow == TR_FLOW_MORE);
		assert_int_equal(flow, TR_FLOW_FAILED);
		assert_int_equal(run.st.code, TR_ERR_IO);
		assert_non_null(strstr(run.st.message, "the file shrank while it was read: it had 40000 bytes"));
		assert_int_equal(poll_until(&run, &context, reader, batch, &info), TR_FLOW_FAILED);
		run.ops->reader_close(&reader);
		run.env->disk->ops->queue_destroy(run.env->disk, &context.io);
		tr_batch_buffer_destroy(&batch);
		run_deinit(&run);
	}
	clean();
}

static void test_file_vanishes_before_it_is_begun(void **state)
{
	struct run run;
	struct tr_source_context context = {0};
	struct tr_source_reader *reader = NULL;
	struct tr_batch_buffer *batch;
	struct tr_chunk_info info;

	write_file("a.txt", "1,a\n", 4);
	write_file("b.txt", "2,b\n", 4);
	run_init(&run, "plain", directory, "1mb");
	batch = tr_batch_buffer_create(&run.schema, 7);
	assert_int_equal(run.ops->open(&run.spec, run.env, 1, &run.source, &run.st), TR_OK);
	assert_int_equal(run.env->disk->ops->queue_create(run.env->disk, 8, &context.io, NULL), TR_OK);
	context.env = run.env;
	assert_int_equal(run.ops->reader_open(run.source, &context, &reader, &run.st), TR_OK);
	assert_int_equal(unlink(path_of("b.txt")), 0);
	assert_int_equal(poll_until(&run, &context, reader, batch, &info), TR_FLOW_MORE);
	assert_true(info.is_last && info.is_split_end && info.end == 4);
	assert_int_equal(poll_until(&run, &context, reader, batch, &info), TR_FLOW_FAILED);
	assert_int_equal(run.st.code, TR_ERR_NO_INPUT);
	assert_non_null(strstr(run.st.message, "b.txt"));
	assert_int_equal(info.split, 1);
	run.ops->reader_close(&reader);
	run.env->disk->ops->queue_destroy(run.env->disk, &context.io);
	tr_batch_buffer_destroy(&batch);
	run_deinit(&run);
	clean();
}

static void test_monitor_interval(void **state)
{
	struct run run;
	struct tr_source_context context = {0};
	struct tr_source_reader *reader = NULL;
	struct tr_batch_buffer *batch;
	struct tr_chunk_info info;
	struct tr_bytes rows = {0};
	uint64_t known, begun;

	write_file("b.txt", "2,b\n", 4);
	run_init(&run, "io_uring", directory, "1mb");
	run.options[2] = (struct tr_option){"source.monitor-interval", "20 ms"};
	run.spec.options.count = 3;
	assert_false(run.ops->is_bounded(&run.spec));
	batch = tr_batch_buffer_create(&run.schema, 7);
	assert_int_equal(run.ops->open(&run.spec, run.env, 1, &run.source, &run.st), TR_OK);
	assert_int_equal(run.env->disk->ops->queue_create(run.env->disk, 8, &context.io, NULL), TR_OK);
	context.env = run.env;
	assert_int_equal(run.ops->reader_open(run.source, &context, &reader, &run.st), TR_OK);
	for (int i = 0; i < 1000 && rows.length < 12; i++) {
		const enum tr_flow flow = poll_until(&run, &context, reader, batch, &info);

		if (flow == TR_FLOW_MORE) {
			append_rows(&rows, &batch->batch);
			continue;
		}
		assert_int_equal(flow, TR_FLOW_BLOCKED);
		assert_true(context.wake_at_ns < INT64_MAX);
		if (rows.length == 4) { /* a name that sorts before, and one that does not change */
			write_file("a.txt", "1,a\n", 4);
			write_file("c.txt", "3,c\n", 4);
		}
		(void)tr_io_wait(context.io, 5000000);
	}
	tr_bytes_append_char(&rows, '\0');
	assert_string_equal(rows.data, "2|b;1|a;3|c;");
	run.ops->progress(run.source, &known, &begun);
	assert_int_equal(known, 3);
	assert_int_equal(begun, 3);
	run.ops->reader_close(&reader);
	run.env->disk->ops->queue_destroy(run.env->disk, &context.io);
	tr_batch_buffer_destroy(&batch);
	tr_bytes_deinit(&rows);
	run_deinit(&run);
	clean();
}

/** The options themselves are known and checked. */
static void test_options(void **state)
{
	struct run run;

	run_init(&run, "plain", directory, "0");
	assert_int_equal(run.ops->open(&run.spec, run.env, 1, &run.source, &run.st), TR_ERR_DATA);
	assert_non_null(strstr(run.st.message, "source.chunk-size"));
	run_deinit(&run);
	run_init(&run, "plain", directory, "1");
	run.options[2] = (struct tr_option){"source.monitor-interval", "0"};
	run.spec.options.count = 3;
	assert_int_equal(run.ops->open(&run.spec, run.env, 1, &run.source, &run.st), TR_ERR_DATA);
	assert_non_null(strstr(run.st.message, "source.monitor-interval"));
	run_deinit(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_every_reader_count_and_chunk_size),
		cmocka_unit_test(test_record_longer_than_chunks),
		cmocka_unit_test(test_bad_record_is_named),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_compressed_damage),
		cmocka_unit_test(test_partition_columns),
		cmocka_unit_test(test_file_shrinks),
		cmocka_unit_test(test_file_vanishes_before_it_is_begun),
		cmocka_unit_test(test_monitor_interval),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
