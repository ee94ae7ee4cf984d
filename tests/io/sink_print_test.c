/* SPDX-License-Identifier: Apache-2.0
 * The lines of the print sink, caught in a file that stands for standard output or standard error.
 */
#include "tr_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/column_buffer.h"
#include "base/type.h"
#include "io/connector.h"
#include "io/sink.h"

static const char *const names[] = {"id", "text"};
static const struct tr_type *types[2];
static struct tr_schema schema;

static int set_up(void **state)
{
	types[0] = tr_type_of(TR_TYPE_INT);
	types[1] = tr_type_of(TR_TYPE_VARCHAR);
	schema = (struct tr_schema){.column_count = 2, .names = names, .types = types};
	return 0;
}

/** Redirects descriptor `fd` to a file while `writes` batches are printed; the text printed. */
static char *capture(int fd, const struct tr_option *options, uint32_t option_count, uint32_t subtask, uint32_t count)
{
	static char text[4096];
	struct tr_batch_buffer *buffer = tr_batch_buffer_create(&schema, 4);
	const uint32_t selection[] = {0, 2};
	struct tr_table_spec spec = {.name = "t",
				     .connector = tr_registry_find_connector("print"),
				     .schema = &schema,
				     .options = {.items = options, .count = option_count},
				     .time_zone = "UTC"};
	struct tr_sink_context context = {.subtask = subtask, .subtask_count = count};
	const struct tr_sink_ops *ops = spec.connector->sink;
	struct tr_sink *sink = NULL;
	char path[] = "/tmp/tr_print_test.XXXXXX";
	const int file = mkstemp(path);
	const int saved = dup(fd);
	ssize_t length;

	for (int i = 0; i < 3; i++)
		((int32_t *)buffer->columns[0].data)[i] = i;
	((struct tr_view *)buffer->columns[1].data)[0] = tr_view_make("a", 1);
	((struct tr_view *)buffer->columns[1].data)[1] = tr_view_make("b", 1);
	tr_column_buffer_set_null(&buffer->columns[1], 2);
	tr_batch_buffer_seal(buffer, 3);
	buffer->batch.selection = selection;
	buffer->batch.selected_count = 2;
	assert_int_equal(ops->open(&spec, &context, &sink, NULL), TR_OK);
	fflush(stdout);
	assert_int_equal(dup2(file, fd), fd);
	assert_int_equal(ops->write(sink, &buffer->batch, NULL), TR_FLOW_MORE);
	buffer->batch.row_kinds = (const uint8_t[]){TR_ROW_DELETE, 0, TR_ROW_UPDATE_AFTER};
	assert_int_equal(ops->write(sink, &buffer->batch, NULL), TR_FLOW_MORE);
	assert_int_equal(ops->finish(sink, NULL), TR_FLOW_DONE);
	ops->close(&sink);
	assert_int_equal(dup2(saved, fd), fd);
	assert_null(sink);
	length = pread(file, text, sizeof(text) - 1, 0);
	assert_true(length >= 0);
	text[length] = '\0';
	close(file);
	close(saved);
	unlink(path);
	tr_batch_buffer_destroy(&buffer);
	return text;
}

static void test_lines(void **state)
{
	const struct tr_option identifier[] = {{"print-identifier", "out"}, {"standard-error", "true"}};

	assert_string_equal(capture(1, NULL, 0, 0, 1), "+I[0, a]\n+I[2, null]\n-D[0, a]\n+U[2, null]\n");
	assert_string_equal(capture(1, NULL, 0, 1, 2), "2> +I[0, a]\n2> +I[2, null]\n2> -D[0, a]\n2> +U[2, null]\n");
	assert_string_equal(capture(1, identifier, 1, 0, 1),
			    "out> +I[0, a]\nout> +I[2, null]\nout> -D[0, a]\nout> +U[2, null]\n");
	assert_string_equal(capture(2, identifier, 2, 2, 4),
			    "out:3> +I[0, a]\nout:3> +I[2, null]\nout:3> -D[0, a]\nout:3> +U[2, null]\n");
}

static void test_write_failure_is_told(void **state)
{
	struct tr_batch_buffer *buffer = tr_batch_buffer_create(&schema, 1);
	struct tr_table_spec spec = {.name = "t", .connector = tr_registry_find_connector("print"), .schema = &schema};
	struct tr_sink_context context = {.subtask_count = 1};
	struct tr_status st = {0};
	struct tr_sink *sink = NULL;
	const int full = open("/dev/full", O_WRONLY);
	const int saved = dup(1);
	enum tr_flow flow;

	if (full < 0)
		skip();
	((struct tr_view *)buffer->columns[1].data)[0] = tr_view_make("a", 1);
	tr_batch_buffer_seal(buffer, 1);
	assert_int_equal(spec.connector->sink->open(&spec, &context, &sink, &st), TR_OK);
	fflush(stdout);
	assert_int_equal(dup2(full, 1), 1);
	flow = spec.connector->sink->write(sink, &buffer->batch, &st);
	assert_int_equal(dup2(saved, 1), 1);
	assert_int_equal(flow, TR_FLOW_FAILED);
	assert_int_equal(st.code, TR_ERR_IO);
	assert_non_null(strstr(st.message, "write to standard output"));
	spec.connector->sink->close(&sink);
	tr_batch_buffer_destroy(&buffer);
	close(full);
	close(saved);
}

static void test_blackhole(void **state)
{
	struct tr_batch_buffer *buffer = tr_batch_buffer_create(&schema, 1);
	struct tr_table_spec spec = {
		.name = "t", .connector = tr_registry_find_connector("blackhole"), .schema = &schema};
	struct tr_sink_context context = {.subtask_count = 1};
	const struct tr_sink_ops *ops = spec.connector->sink;
	struct tr_sink *sink = NULL;

	tr_batch_buffer_seal(buffer, 0);
	assert_int_equal(ops->open(&spec, &context, &sink, NULL), TR_OK);
	assert_int_equal(context.wake_at_ns, INT64_MAX);
	assert_int_equal(ops->write(sink, &buffer->batch, NULL), TR_FLOW_MORE);
	assert_int_equal(ops->tick(sink, NULL), TR_FLOW_MORE);
	assert_int_equal(ops->resume(sink, NULL), TR_FLOW_MORE);
	assert_int_equal(ops->finish(sink, NULL), TR_FLOW_DONE);
	ops->close(&sink);
	assert_null(sink);
	tr_batch_buffer_destroy(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_write_failure_is_told),
		cmocka_unit_test(test_blackhole),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
