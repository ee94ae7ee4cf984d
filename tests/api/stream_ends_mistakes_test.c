/* SPDX-License-Identifier: Apache-2.0
 *
 * Mistakes at the ends of a stream: in sinks, partitions and sources, and timers where there is no event time.
 */
#include "mistakes_case.h"

static int64_t text_of(const struct tr_batch *batch)
{
	const struct tr_row row = {batch, tr_batch_row(batch, 0)};

	return tr_row_text(&row, 0)->length;
}

/* Sinks, where rows are written or kept; partitions. */

static tr_code write_wrong(void *writer, const struct tr_batch *batch, struct tr_status *st)
{
	return text_of(batch) == 0 ? TR_OK : TR_ERR_DATA;
}

static tr_code write_kept(void *writer, const struct tr_batch *batch, struct tr_status *st)
{
	struct tr_owned_batch **kept = writer;

	if (*kept == NULL)
		*kept = tr_batch_copy(batch);
	return TR_OK;
}

static tr_code open_kept(void *user, const struct tr_schema *schema, uint32_t subtask, void **writer,
			 struct tr_status *st)
{
	*writer = calloc(1, sizeof(struct tr_owned_batch *));
	return TR_OK;
}

static tr_code flush_wrong(void *writer, struct tr_status *st)
{
	struct tr_owned_batch **kept = writer;

	return *kept == NULL || text_of(tr_owned_batch_get(*kept)) == 0 ? TR_OK : TR_ERR_DATA;
}

static void close_kept(void *writer)
{
	struct tr_owned_batch **kept = writer;

	if (*kept != NULL)
		tr_owned_batch_release(kept);
	free(kept);
}

static uint32_t choose_wrong(void *user, const struct tr_row *row, uint32_t subtasks)
{
	return tr_row_text(row, 0)->length;
}

static void choose_wrong_batch(void *user, const struct tr_batch *batch, uint32_t subtasks, uint32_t *targets)
{
	for (uint32_t i = 0; i < batch->selected_count; i++)
		targets[i] = (uint32_t)text_of(batch);
}

static void test_ends(void **state)
{
	static const char READ[] = "column 'k' is BIGINT, and was read as a text";
	const struct tr_sink_function sinks[] = {
		TR_MAKE(tr_sink_function, .write = write_wrong),
		TR_MAKE(tr_sink_function, .open = open_kept, .write = write_kept, .flush = flush_wrong,
			.close = close_kept),
	};
	char message[128];

#ifndef TR_DEBUG
	skip();
#endif
	for (size_t i = 0; i < TR_COUNT_OF(sinks); i++) {
		struct tr_env *env = api_env("1");

		tr_stream_sink_to(source(env), "mine", &sinks[i]);
		snprintf(message, sizeof(message), "sink 'mine', subtask 0: %s", READ);
		expect_failure(env, message);
	}
	for (int i = 0; i < 2; i++) {
		struct tr_env *env = api_env("2");
		struct tr_stream *rows = source(env);

		rows = i == 0 ? tr_stream_partition(rows, choose_wrong, NULL)
			      : tr_stream_partition_batches(rows, choose_wrong_batch, NULL);
		tr_stream_sink_to(rows, "mine", &sinks[1]);
		snprintf(message, sizeof(message), "operator 'partition 1': %s", READ);
		expect_failure(env, message);
	}
}

/* Timers of event time where there is none. */

static tr_code set_timer(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			 struct tr_status *st)
{
	tr_timer_set_event_time(context, 1);
	return TR_OK;
}

static tr_code add_time(struct tr_context *context, const struct tr_timer_event *event, struct tr_collector *out,
			struct tr_status *st)
{
	tr_collector_set_i64(out, 0, event->time_ms);
	tr_collector_add(out);
	return TR_OK;
}

/** Whether the first input and the second have event time; -1: there is no second. */
static struct tr_env *set_timers(int first, int second)
{
	static const char READ[] = "k, v"; /* watermarks go on behind it, though the column of event time does not */
	const struct tr_function one = TR_MAKE(tr_function, .on_row = set_timer, .on_timer = add_time);
	const struct tr_co_function both =
		TR_MAKE(tr_co_function, .on_left_row = set_timer, .on_right_row = set_timer, .on_timer = add_time);
	struct tr_env *env = api_env("1");
	struct tr_stream *sides[2] = {NULL, NULL};

	for (int i = 0; i <= (second >= 0); i++) {
		const bool has_time = (i == 0 ? first : second) != 0;
		const struct tr_batch *batch = batch_of_rows();

		sides[i] = tr_env_from_batches(env, i == 0 ? "one" : "two", API_COLUMNS, &batch, 1,
					       has_time ? API_WATERMARKS : NULL);
		sides[i] = tr_stream_key_by(tr_stream_select(sides[i], READ), "k");
	}
	tr_stream_collect(second < 0 ? tr_stream_process(sides[0], "t BIGINT", &one)
				     : tr_stream_connect_process(sides[0], sides[1], "t BIGINT", &both));
	return env;
}

static void test_timeless(void **state)
{
	static const char NO_TIME[] = "a timer of event time was set, and no input has event time: give the source a";
	struct tr_env *env;

	expect_failure(set_timers(0, -1), NO_TIME);
	expect_failure(set_timers(0, 0), NO_TIME);
	for (int i = 0; i < 4; i++) {
		env = set_timers(i != 1, i == 0 ? -1 : i != 2);
		api_run(env);
		tr_env_destroy(&env);
	}
}

/* Sources. */

static int wrong_read;

static tr_code read_wrong(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			  enum tr_read *result, struct tr_status *st)
{
	r->position++;
	*result = TR_READ_END;
	switch (wrong_read) {
	case 0: tr_collector_set_text(out, 0, "a", 1); break;
	case 1: tr_collector_set_i64(out, 3, 1); break; /* where the watermark is kept */
	case 2:
		tr_collector_set_i64(out, 2, 1);
		tr_collector_add(out);
		r->watermark_ms = r->position == 1 ? 10 : 5;
		*result = TR_READ_MORE;
		break;
	case 3: *result = (enum tr_read)17; break;
	case 4: return TR_ERR_USAGE;
	case 5:
		tr_collector_reserve(out, r->rows_max + 1);
		memset(tr_collector_data(out, 0), 0, (r->rows_max + 1) * sizeof(int64_t));
		tr_collector_advance(out, r->rows_max + 1);
		break;
	case 6:
		tr_collector_reserve(out, 2);
		put_at(tr_collector_data(out, 0), 2);
		break;
	default: r->position = -1;
	}
	return TR_OK;
}

static void test_sources(void **state)
{
	static const char *const messages[] = {
		"source 'mine', mine: column 'k' is BIGINT, and was set as a text",
		"source 'mine', mine: column 3 was set, and there are 3",
		"source 'mine', mine: `read` has lowered the watermark from 10 to 5",
		"source 'mine', mine: `read` has answered with result 17, which is none of enum tr_read",
		"source 'mine', mine: it has failed with TR_ERR_USAGE and no message",
		"source 'mine', mine: `read` has collected more than the",
		"source 'mine', mine: column 'k' was written behind the rows that there was room for",
		"source 'mine', mine: `read` has moved the position from 0 to -1",
	};
	const struct tr_source_function function =
		TR_MAKE(tr_source_function, .split_count = 1, .has_watermarks = true, .read = read_wrong);

#ifndef TR_DEBUG
	skip();
#endif
	for (wrong_read = 0; wrong_read < (int)TR_COUNT_OF(messages); wrong_read++) {
		struct tr_env *env = api_env("1");

		tr_stream_collect(tr_env_from_source(env, "mine", API_COLUMNS, &function, API_WATERMARKS));
		expect_failure(env, messages[wrong_read]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_timeless),
		cmocka_unit_test(test_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
