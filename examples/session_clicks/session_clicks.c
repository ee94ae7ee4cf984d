/* SPDX-License-Identifier: Apache-2.0
 *
 * Session clicks: what the visitors of a shop did until they were away for half an hour; clicks that come too late for that go another
 * way.
 *
 *     clicks ──key by visitor──▶ sessions, with all their clicks ──▶ stdout
 *                                   └─ late clicks ───────────────▶ stdout
 *
 * Clicks may be five minutes out of order. A session that has been told waits ten minutes more, and is told again if another click comes.
 */
#include <tailrace/tailrace.h>

#define MINUTE_MS INT64_C(60000)

enum { VISITOR, TIME, PAGE }; /* columns */

/** First and last click by time, which need not be the order in which they came. */
static tr_code tell_session(struct tr_context *context, const struct tr_window *window, const struct tr_batch *clicks,
			    struct tr_collector *out, struct tr_status *st)
{
	const struct tr_row key = tr_context_key(context);
	struct tr_row first = {clicks, tr_batch_row(clicks, 0)}, last = first;

	for (uint32_t i = 1; i < clicks->selected_count; i++) {
		const struct tr_row click = {clicks, tr_batch_row(clicks, i)};

		if (tr_row_i64(&click, TIME) < tr_row_i64(&first, TIME))
			first = click;
		if (tr_row_i64(&click, TIME) >= tr_row_i64(&last, TIME))
			last = click;
	}
	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_column(out, 1, &first, TIME);
	tr_collector_set_column(out, 2, &last, TIME);
	tr_collector_set_i64(out, 3, clicks->selected_count);
	tr_collector_set_column(out, 4, &first, PAGE);
	tr_collector_set_column(out, 5, &last, PAGE);
	tr_collector_add(out);
	return TR_OK;
}

static tr_code build(struct tr_env *env, int argc, char **argv, struct tr_status *st)
{
	const char *file = argc > 1 ? argv[1] + sizeof("FILE=") - 1 : "examples/session_clicks/clicks.csv";
	const char *const options[] = {"connector", "filesystem", "path", file, "format", "csv", NULL};
	const struct tr_watermark_strategy times =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .out_of_orderness_ms = 5 * MINUTE_MS);
	const struct tr_window_function tell = TR_MAKE(tr_window_function, .process = tell_session);
	const struct tr_window_options wait = TR_MAKE(tr_window_options, .allowed_lateness_ms = 10 * MINUTE_MS);
	struct tr_stream *clicks, *sessions;

	clicks = tr_env_from_connector(env, "clicks", "visitor STRING, ts TIMESTAMP(3), page STRING", options, &times);
	tr_stream_parallelism(clicks, 1); /* who reads alone decides what is late */
	sessions = tr_stream_window_process(tr_stream_key_by(clicks, "visitor"), tr_windows_session(30 * MINUTE_MS),
					    "visitor STRING, first_click TIMESTAMP(3), last_click TIMESTAMP(3), clicks "
					    "BIGINT, entry STRING, exit STRING",
					    &tell, &wait);
	tr_stream_uid(tr_stream_name(sessions, "sessions"), "sessions");
	tr_stream_print(sessions);
	tr_stream_print(tr_stream_select(tr_stream_late_rows(sessions), "'late' AS what, visitor, ts, page"));
	return TR_OK;
}

TR_PLUGIN(build)
