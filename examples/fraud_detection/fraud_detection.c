/* SPDX-License-Identifier: Apache-2.0
 *
 * Fraud detection: an alert when a small payment of an account is followed by a large one within a minute. The example of Flink's
 * walkthrough, in event time.
 *
 *     transactions ──key by account──▶ detect ──▶ stdout
 *
 * State of an account: that its last payment was small, and the timer that forgets it.
 */
#include <tailrace/tailrace.h>

#define SMALL 100 /* cents */
#define LARGE 50000
#define MINUTE_MS 60000

enum { ACCOUNT, TIME, CENTS }; /* columns */

struct suspicion {
	int64_t timer_ms;
};

static tr_code open_detector(struct tr_context *context, struct tr_status *st)
{
	tr_context_set_own(context, tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "suspicion",
									    .value_bytes = sizeof(struct suspicion))));
	return TR_OK;
}

static tr_code detect(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	struct tr_value_state *state = tr_context_own(context);
	const struct suspicion *suspicion = tr_value_state_get(state);
	const int64_t cents = tr_row_i64(row, CENTS);

	if (suspicion != NULL) {
		if (cents > LARGE) {
			tr_collector_set_column(out, 0, row, ACCOUNT);
			tr_collector_set_column(out, 1, row, TIME);
			tr_collector_set_i64(out, 2, cents);
			tr_collector_add(out);
		}
		tr_timer_delete_event_time(context, suspicion->timer_ms);
		tr_value_state_clear(state);
	}
	if (cents < SMALL) {
		struct suspicion *begun = tr_value_state_put(state);

		begun->timer_ms = tr_context_timestamp(context) + MINUTE_MS;
		tr_timer_set_event_time(context, begun->timer_ms);
	}
	return TR_OK;
}

static tr_code forget(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
		      struct tr_status *st)
{
	tr_value_state_clear(tr_context_own(context));
	return TR_OK;
}

static tr_code build(struct tr_env *env, int argc, char **argv, struct tr_status *st)
{
	const struct tr_function detector =
		TR_MAKE(tr_function, .open = open_detector, .on_row = detect, .on_timer = forget);
	const char *file = argc > 1 ? argv[1] + sizeof("FILE=") - 1 : "examples/fraud_detection/transactions.csv";
	const char *const options[] = {"connector", "filesystem", "path", file, "format", "csv", NULL};
	const struct tr_watermark_strategy times = TR_MAKE(tr_watermark_strategy, .time_column = "ts");
	struct tr_stream *transactions, *alerts;

	transactions = tr_env_from_connector(env, "transactions", "account BIGINT, ts TIMESTAMP(3), cents BIGINT",
					     options, &times);
	tr_stream_parallelism(transactions, 1); /* who reads alone keeps the order of an account's payments */
	alerts = tr_stream_process(tr_stream_key_by(transactions, "account"),
				   "account BIGINT, ts TIMESTAMP(3), cents BIGINT", &detector);
	tr_stream_uid(tr_stream_name(alerts, "fraud detector"), "fraud-detector");
	tr_stream_print(alerts);
	return TR_OK;
}

TR_PLUGIN(build)
