/* SPDX-License-Identifier: Apache-2.0
 *
 * The filesystem source against the rows that the test wrote: readers on their own threads, each with its own queue,
 * take chunks down to a few bytes; a chunk's rows count once the chunk before has said where it ends, and a wrong guess
 * is rewound, as the runtime does it. Whatever the number of readers, the chunk size and the disk, the rows are those
 * of one reader from front to back.
 */
#include "test_source.h"

#include <sys/stat.h>

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
	static const struct {
		const char *text, *rows;
	} cases[] = {
		{"", ""},
		{"\n", ""},
		{"1,a", "1|a;"},
		{"1,a\n", "1|a;"},
		{"1,a\r\n2,b\r\n", "1|a;2|b;"},
		{"\xef\xbb\xbf"
		 "1,a\n2,b",
		 "1|a;2|b;"},
		{"\xef\xbb\xbf", ""},
		{"1,a\n\n\n\n2,b\n\n", "1|a;2|b;"},
		{"1,\"\n\n\n\n\n\n\n\"\n2,\"\n\"", "1|\n\n\n\n\n\n\n;2|\n;"},
		{"\n\n\n1,a\n", "1|a;"},
		{"1,\"2,x\n3,y\n4,z\n\"\n5,e\n", "1|2,x\n3,y\n4,z\n;5|e;"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file("e.txt", cases[i].text, strlen(cases[i].text));
		expect_rows("e.txt", cases[i].rows);
	}
	clean();
}

/** The real formats guess and rewind as the small one does: csv with quoted line ends at every border, json. */
static void test_real_formats(void **state)
{
	const struct tr_format *csv = tr_registry_find_format("csv");
	const struct tr_format *json = tr_registry_find_format("json");
	struct tr_bytes file = {0}, expected = {0};

	for (uint64_t seed = 20; seed < 23; seed++) {
		tr_bytes_clear(&file);
		tr_bytes_clear(&expected);
		generate(seed, 60, 300, seed == 21 ? "\r\n" : "\n", &file, &expected);
		write_file("a.csv", file.data, file.length);
		expect_rows_as(csv, "a.csv", expected.data);
	}
	tr_bytes_clear(&file);
	tr_bytes_clear(&expected);
	for (int i = 0; i < 50; i++) {
		tr_bytes_printf(
			&file, "{\"id\": %d, \"text\": \"%.*s\\n\\\"\"}%s", i, i * 3,
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
			i % 3 == 0 ? "\r\n" : "\n");
		tr_bytes_printf(
			&expected, "%d|%.*s\n\";", i, i * 3,
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	}
	tr_bytes_append_char(&expected, '\0');
	write_file("a.json", file.data, file.length);
	expect_rows_as(json, "a.json", expected.data);
	tr_bytes_deinit(&file);
	tr_bytes_deinit(&expected);
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

/** A quote that is never closed: the record is refused when it exceeds the limit, with the place where it starts. */
static void test_record_beyond_the_limit(void **state)
{
	for (uint32_t readers = 1; readers <= 2; readers++) {
		struct run run;

		write_file("u.txt", "1,a\n2,\"", 7);
		assert_int_equal(truncate(path_of("u.txt"), (off_t)TR_RECORD_BYTES_MAX + (2 << 20)), 0);
		run_init(&run, readers == 1 ? "plain" : "io_uring", path_of("u.txt"), "8mb");
		assert_null(read_all(&run, readers));
		assert_int_equal(run.st.code, TR_ERR_DATA);
		assert_non_null(strstr(run.st.message,
				       "line 2, column 1, byte offset 4: the record that starts here is "
				       "longer than 64 MiB"));
		run_deinit(&run);
	}
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
		cmocka_unit_test(test_real_formats),
		cmocka_unit_test(test_record_longer_than_chunks),
		cmocka_unit_test(test_bad_record_is_named),
		cmocka_unit_test(test_record_beyond_the_limit),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_partition_columns),
		cmocka_unit_test(test_file_shrinks),
		cmocka_unit_test(test_file_vanishes_before_it_is_begun),
		cmocka_unit_test(test_monitor_interval),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
