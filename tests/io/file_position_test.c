/* SPDX-License-Identifier: Apache-2.0
 *
 * Positions of the filesystem source: which files are found again, and what is said when one is not the file that was read.
 * That rows are right after a restore is shown by tests/core/source_position_test.c.
 */
#include "test_source.h"

#include "base/check.h"

struct saved {
	struct tr_position_writer writer;
	struct tr_split_position splits[8];
	char *texts[8];
	uint64_t split_count;
	struct tr_chunk_position chunks[8];
	uint64_t chunk_count;
};

static void put_split(struct tr_position_writer *writer, const struct tr_split_position *split)
{
	struct saved *s = (struct saved *)writer;

	assert_true(s->split_count < 8);
	s->splits[s->split_count] = *split;
	s->texts[s->split_count] = strdup(split->text);
	s->splits[s->split_count].text = s->texts[s->split_count];
	s->split_count++;
}

static void put_chunk(struct tr_position_writer *writer, const struct tr_chunk_position *chunk)
{
	struct saved *s = (struct saved *)writer;

	assert_true(s->chunk_count < 8);
	s->chunks[s->chunk_count++] = *chunk;
}

static void saved_deinit(struct saved *s)
{
	for (uint64_t i = 0; i < s->split_count; i++)
		free(s->texts[i]);
}

static void open_run(struct run *run, const char *path)
{
	run_init(run, "plain", path, "100");
	assert_int_equal(run->ops->open(&run->spec, run->env, 1, &run->source, &run->st), TR_OK);
}

static tr_code restore(struct run *run, const struct saved *saved)
{
	const struct tr_source_positions positions = {saved->splits, saved->split_count, saved->chunks,
						      saved->chunk_count};

	return run->ops->restore(run->source, &positions, &run->st);
}

struct one_reader {
	struct tr_source_context context;
	struct tr_source_reader *reader;
	struct tr_batch_buffer *batch;
};

static void reader_init(struct one_reader *r, struct run *run)
{
	memset(r, 0, sizeof(*r));
	r->context.env = run->env;
	r->batch = tr_batch_buffer_create(&run->schema, run->batch_rows);
	assert_int_equal(run->env->disk->ops->queue_create(run->env->disk, 8, &r->context.io, NULL), TR_OK);
	assert_int_equal(run->ops->reader_open(run->source, &r->context, &r->reader, &run->st), TR_OK);
}

static void reader_deinit(struct one_reader *r, struct run *run)
{
	run->ops->reader_close(&r->reader);
	run->env->disk->ops->queue_destroy(run->env->disk, &r->context.io);
	tr_batch_buffer_destroy(&r->batch);
}

/** The rows of up to `chunks` chunks. */
static void read_chunks(struct one_reader *r, struct run *run, uint32_t chunks, struct tr_bytes *rows)
{
	struct tr_chunk_info info;

	while (chunks > 0) {
		tr_batch_buffer_clear(r->batch);
		switch (run->ops->poll(r->reader, r->batch, &info, &run->st)) {
		case TR_FLOW_MORE:
			append_rows(rows, &r->batch->batch);
			chunks -= info.is_last;
			break;
		case TR_FLOW_BLOCKED: (void)tr_io_wait(r->context.io, 1000000000); break;
		case TR_FLOW_DONE: return;
		case TR_FLOW_FAILED: fail_msg("%s", run->st.message);
		}
	}
}

static void write_lines(const char *name, int first, int count)
{
	struct tr_bytes text = {0};

	for (int i = 0; i < count; i++)
		tr_bytes_printf(&text, "%d,row\n", first + i);
	write_file(name, text.data, text.length);
	tr_bytes_deinit(&text);
}

static void append_line(const char *name, const char *line)
{
	FILE *file = fopen(path_of(name), "ab");

	assert_non_null(file);
	fputs(line, file);
	assert_int_equal(fclose(file), 0);
}

/** Reads so many chunks of the directory, and saves. */
static void save_after(uint32_t chunks, struct saved *saved, struct tr_bytes *rows)
{
	struct one_reader r;
	struct run run;

	memset(saved, 0, sizeof(*saved));
	saved->writer = (struct tr_position_writer){put_split, put_chunk};
	open_run(&run, directory);
	reader_init(&r, &run);
	read_chunks(&r, &run, chunks, rows);
	assert_true(run.ops->reader_barrier(r.reader, 1, &saved->writer));
	reader_deinit(&r, &run);
	run_deinit(&run);
}

/** What is read of the directory after a restore. */
static char *read_rest(const struct saved *saved, struct tr_bytes *rows)
{
	struct one_reader r;
	struct run run;
	uint64_t known, begun;

	open_run(&run, directory);
	if (restore(&run, saved) != TR_OK)
		fail_msg("%s", run.st.message);
	run.ops->progress(run.source, &known, &begun);
	assert_int_equal(begun, saved->split_count);
	assert_true(known >= begun);
	reader_init(&r, &run);
	read_chunks(&r, &run, UINT32_MAX, rows);
	reader_deinit(&r, &run);
	run_deinit(&run);
	tr_bytes_append_char(rows, '\0');
	return rows->data;
}

static void expect(struct tr_bytes *rows, const int (*ranges)[2], size_t count)
{
	struct tr_bytes expected = {0};

	for (size_t i = 0; i < count; i++)
		for (int k = 0; k < ranges[i][1]; k++)
			tr_bytes_printf(&expected, "%d|row;", ranges[i][0] + k);
	tr_bytes_append_char(&expected, '\0');
	assert_string_equal(rows->data, expected.data);
	tr_bytes_deinit(&expected);
	tr_bytes_deinit(rows);
}

/** A file that had been read is not read again, even if it is gone; appended bytes of one that is being read are not
 * read; new ones come last, wherever their names sort. */
static void test_files_are_found_again(void **state)
{
	struct saved saved;
	struct tr_bytes rows = {0};

	write_lines("b", 0, 3);
	write_lines("c", 100, 60);
	write_lines("d", 200, 3);
	save_after(3, &saved, &rows); /* all of b, two chunks of c */
	assert_int_equal(saved.split_count, 2);
	assert_true(saved.splits[0].is_dealt);
	assert_false(saved.splits[1].is_dealt);
	assert_int_equal(unlink(path_of("b")), 0);
	append_line("c", "999,appended\n");
	write_lines("a", 300, 3);
	(void)read_rest(&saved, &rows);
	expect(&rows, (const int[][2]){{0, 3}, {100, 60}, {300, 3}, {200, 3}}, 4);
	saved_deinit(&saved);
	clean();
}

static void expect_refused(const struct saved *saved, tr_code code, const char *text)
{
	struct run run;

	open_run(&run, directory);
	assert_int_equal(restore(&run, saved), code);
	if (strstr(run.st.message, text) == NULL || strstr(run.st.message, "table 't'") == NULL)
		fail_msg("%s", run.st.message);
	run_deinit(&run);
}

static void test_another_file_is_refused(void **state)
{
	struct saved saved;
	struct tr_bytes rows = {0};

	write_lines("a", 100, 60);
	save_after(2, &saved, &rows);
	tr_bytes_deinit(&rows);
	assert_int_equal(truncate(path_of("a"), 300), 0);
	expect_refused(&saved, TR_ERR_DATA, "has become shorter since the checkpoint (480 bytes then, 300 now)");
	write_lines("x", 100, 60);
	assert_int_equal(rename(path_of("x"), path_of("a")), 0);
	expect_refused(&saved, TR_ERR_DATA, "has been replaced since the checkpoint");
	assert_int_equal(unlink(path_of("a")), 0);
	expect_refused(&saved, TR_ERR_NO_INPUT, "a file that was being read when the checkpoint was taken");
	saved_deinit(&saved);
	clean();
}

static void test_damage(void **state)
{
	struct tr_bytes rows = {0};
	struct saved saved, damaged;

	write_lines("a", 100, 60);
	save_after(2, &saved, &rows);
	tr_bytes_deinit(&rows);
	damaged = saved;
	damaged.splits[0].text = "elapsed-ms=3";
	expect_refused(&damaged, TR_ERR_DATA, "is not one of a file");
	damaged = saved;
	damaged.splits[0].next_start = 481;
	expect_refused(&damaged, TR_ERR_DATA, "makes no sense");
	damaged = saved;
	damaged.splits[0].split = 1;
	expect_refused(&damaged, TR_ERR_DATA, "is not one of a file");
	damaged = saved;
	damaged.chunk_count = 1;
	damaged.chunks[0] = (struct tr_chunk_position){.chunk = 0, .start = -1, .limit = 100};
	expect_refused(&damaged, TR_ERR_DATA, "makes no sense");
	damaged.chunks[0] = (struct tr_chunk_position){.chunk = 700, .start = 1, .limit = 100};
	expect_refused(&damaged, TR_ERR_DATA, "makes no sense");
	damaged.chunks[0] = (struct tr_chunk_position){.split = 3, .limit = 100};
	expect_refused(&damaged, TR_ERR_DATA, "is of no file");
	saved_deinit(&saved);
	clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_are_found_again),
		cmocka_unit_test(test_another_file_is_refused),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
