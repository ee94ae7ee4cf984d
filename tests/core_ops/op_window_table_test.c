/* SPDX-License-Identifier: Apache-2.0
 *
 * The window table operator against a model that goes through a row's windows one by one: random windows, rows and
 * batches, with selections, runs and NULLs, in UTC and in a zone with two hours' change a year, into a sink that answers
 * BLOCKED now and then.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/arena.h"
#include "base/type.h"
#include "core/ops/op_window_table.h"
#include "line_sink.h"

#define BATCHES 6
#define ROWS 40

/* A row of the result as text: its own columns, the watermark in force, and the window. */
static void put_window(char *line, int64_t ts, const char *name, int64_t watermark, int64_t start, int64_t end,
		       int64_t time)
{
	snprintf(line, LINE_BYTES, "%" PRId64 "|%s|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64, ts, name, watermark,
		 start, end, time);
}

static void put_line(char *line, const struct tr_batch *batch, uint32_t row)
{
	const struct tr_view *view = tr_column_view(&batch->columns[1], row);
	char name[64] = "NULL";

	if (!tr_column_is_null(&batch->columns[1], row))
		snprintf(name, sizeof(name), "%.*s", (int)view->length, tr_view_text(view));
	put_window(line, tr_column_i64(&batch->columns[0], row), name,
		   batch->runs[tr_batch_run_of(batch, row, 0)].watermark_ms, tr_column_i64(&batch->columns[2], row),
		   tr_column_i64(&batch->columns[3], row), tr_column_i64(&batch->columns[4], row));
}

/* ---- the model ---- */

static bool is_berlin;

static int64_t local_of(int64_t utc)
{
	time_t seconds = (time_t)(utc / 1000 - (utc % 1000 < 0));
	struct tm tm;

	if (!is_berlin)
		return utc;
	localtime_r(&seconds, &tm);
	return utc + tm.tm_gmtoff * 1000;
}

/* The first instant with that wall clock; the test keeps away from hours that are skipped. */
static int64_t instant_of(int64_t local)
{
	if (!is_berlin)
		return local;
	for (int64_t hours = 2; hours >= 1; hours--)
		if (local_of(local - hours * 3600000) == local)
			return local - hours * 3600000;
	fail();
	return 0;
}

static void model_row(const struct tr_window_spec *w, int64_t ts, const char *name, int64_t watermark)
{
	const int64_t local = local_of(ts);
	const int64_t step = w->kind == TR_WINDOW_TUMBLE ? w->size_ms : w->step_ms;
	int64_t end = w->offset_ms - 40 * w->size_ms;

	while (end <= local) /* the ends are those of a grid of steps; up to the first above the row */
		end += step * TR_MAX((local - end) / step, 1);
	for (; end <= local + w->size_ms; end += step) {
		int64_t start = end - w->size_ms;

		if (w->kind == TR_WINDOW_CUMULATE) {
			start = w->offset_ms - 40 * w->size_ms;
			start += (local - start) / w->size_ms * w->size_ms;
			if (end > start + w->size_ms)
				continue;
		}
		if (start <= local) {
			char line[LINE_BYTES];

			put_window(line, ts, name, watermark, start, end, instant_of(end - 1));
			line_sink_want(line);
		}
	}
}

/* ---- the test ---- */

static struct tr_window_spec random_window(uint64_t *seed)
{
	struct tr_window_spec w = {.kind = (enum tr_window_kind)tr_test_below(seed, 3), .time_column = 0};

	w.step_ms = 1000 * (1 + tr_test_below(seed, 5));
	w.size_ms = w.step_ms * (1 + tr_test_below(seed, 12));
	if (w.kind == TR_WINDOW_TUMBLE)
		w.step_ms = 0;
	w.offset_ms = (int64_t)tr_test_below(seed, 3) * 700 - 700;
	w.is_local_time = is_berlin;
	w.time_zone = "Europe/Berlin";
	return w;
}

static void run_case(uint64_t *seed)
{
	const struct tr_window_spec window = random_window(seed);
	const int64_t origin = is_berlin ? INT64_C(981163800000) : (int64_t)tr_test_below(seed, 20000) - 10000;
	struct tr_op_context context = {.batch_rows = 1 + tr_test_below(seed, 50)};
	const struct tr_type *types[5];
	static const char *const names[] = {"ts", "name", "window_start", "window_end", "window_time"};
	struct tr_schema input = {2, names, types}, output = {5, names, types};
	struct tr_arena arena;
	struct tr_op *op;
	struct tr_status st;

	tr_arena_init(&arena, 0);
	types[0] = types[4] = tr_type_with_precision(&arena, is_berlin ? TR_TYPE_TIMESTAMP_LTZ : TR_TYPE_TIMESTAMP, 3);
	types[1] = tr_type_of(TR_TYPE_VARCHAR);
	types[2] = types[3] = tr_type_with_precision(&arena, TR_TYPE_TIMESTAMP, 3);
	assert_int_equal(tr_op_window_table_create(&window, &input, &output, &context, &op, &st), TR_OK);
	line_sink_begin(op, &context, *seed + 1, put_line);
	for (int b = 0; b < BATCHES; b++) {
		struct tr_batch_buffer *buffer = tr_batch_buffer_create(&input, ROWS);
		uint32_t selected = 0;
		int64_t watermark = origin;

		for (uint32_t row = 0; row < ROWS; row++) {
			const int64_t ts = origin + tr_test_below(seed, 90000);
			const bool is_null = tr_test_below(seed, 5) == 0, is_long = tr_test_below(seed, 2) == 0;
			const char *name = is_long ? "a name of more than twelve" : "b";

			watermark += tr_test_below(seed, 3) * 1000;
			((int64_t *)buffer->columns[0].data)[row] = ts;
			((struct tr_view *)buffer->columns[1].data)[row] =
				tr_batch_buffer_view(buffer, name, (uint32_t)strlen(name));
			if (is_null)
				tr_column_buffer_set_null(&buffer->columns[1], row);
			tr_batch_buffer_add_run(buffer, row, watermark);
			if (b % 2 == 1 && tr_test_below(seed, 3) == 0)
				continue;
			buffer->selection[selected++] = row;
			model_row(&window, ts, is_null ? "NULL" : name, watermark);
		}
		line_sink_feed(buffer, ROWS, b % 2 == 1, selected);
		tr_batch_buffer_destroy(&buffer);
	}
	line_sink_end();
	tr_arena_deinit(&arena);
}

static void rows_have_their_windows(void **state)
{
	uint64_t seed = tr_test_number("TAILRACE_TEST_SEED", 7), cases = tr_test_cases(200);

	for (uint64_t i = 0; i < cases; i++)
		run_case(&seed);
}

static void rows_have_their_windows_in_a_zone(void **state)
{
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	is_berlin = true;
	rows_have_their_windows(state);
	is_berlin = false;
}

static void null_time_fails(void **state)
{
	struct tr_window_spec window = {.kind = TR_WINDOW_HOP, .size_ms = 10, .step_ms = 5};
	struct tr_op_context context = {.batch_rows = 4};
	const struct tr_type *t = tr_type_of(TR_TYPE_TIMESTAMP), *types[] = {t, t, t, t};
	static const char *const names[] = {"ts", "window_start", "window_end", "window_time"};
	struct tr_schema input = {1, names, types}, output = {4, names, types};
	struct tr_batch_buffer *buffer = tr_batch_buffer_create(&input, 4);
	struct tr_op *op;
	struct tr_status st;

	assert_int_equal(tr_op_window_table_create(&window, &input, &output, &context, &op, &st), TR_OK);
	tr_column_buffer_set_null(&buffer->columns[0], 0);
	tr_batch_buffer_seal(buffer, 1);
	assert_int_equal(op->ops->on_batch(op, 0, &buffer->batch), TR_FLOW_FAILED);
	assert_int_equal(context.status.code, TR_ERR_DATA);
	assert_non_null(strstr(context.status.message, "ts is NULL"));
	op->ops->destroy(op);
	tr_batch_buffer_destroy(&buffer);
	window.size_ms = 0;
	assert_int_equal(tr_op_window_table_create(&window, &input, &output, &context, &op, &st), TR_ERR_DATA);
	window.kind = TR_WINDOW_SESSION;
	assert_int_equal(tr_op_window_table_create(&window, &input, &output, &context, &op, &st), TR_ERR_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rows_have_their_windows),
					   cmocka_unit_test(rows_have_their_windows_in_a_zone),
					   cmocka_unit_test(null_time_fails)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
