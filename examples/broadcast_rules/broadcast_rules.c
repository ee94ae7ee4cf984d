/* SPDX-License-Identifier: Apache-2.0
 *
 * Broadcast rules: payments are judged by rules that come as a stream of their own and change while the job runs.
 *
 *     payments ──key by account──▶ keep, and set a timer ─┐
 *                                                         ├─▶ judge (timer) ──▶ stdout
 *     rules ──to all subtasks────▶ keep ──────────────────┘
 *
 * A rule says: so many payments of at least so many cents within so many seconds. It holds from its time on, until it comes again with
 * another content; with a count of 0 it is gone. Nothing says which of two streams is ahead, so a payment is not judged when it comes, but
 * by a timer of its own time: that comes when both streams have reached it, and then the rules up to that time are there.
 */
#include <stdlib.h>
#include <string.h>

#include <tailrace/tailrace.h>

#define RULES_MAX 100
#define HISTORY_MS 3600000 /* no rule looks back further */

enum { ACCOUNT, PAID_AT, CENTS };                       /* columns of payments */
enum { RULE, FROM, NAME, LEAST_CENTS, COUNT, SECONDS }; /* and of rules */

struct rule {
	int64_t cents;
	int64_t count; /* 0: it is gone */
	int64_t seconds;
	uint32_t name_length;
	char name[40];
};

struct judge {
	struct tr_broadcast_state *rules;   /* by time and number: all versions */
	struct tr_map_state *payments;      /* of the account, by time and number: cents */
	struct tr_value_state *last_number; /* of the account's payments */
};

/** Bytes that are in the order of time, then of number. */
struct order_key {
	uint64_t time, number;
};

static struct order_key key_of(int64_t time_ms, uint64_t number)
{
	return (struct order_key){__builtin_bswap64((uint64_t)time_ms), __builtin_bswap64(number)};
}

static int64_t time_of(const void *key)
{
	struct order_key k;

	memcpy(&k, key, sizeof(k));
	return (int64_t)__builtin_bswap64(k.time);
}

static tr_code open_judge(struct tr_context *context, struct tr_status *st)
{
	struct judge *judge = calloc(1, sizeof(*judge));

	if (judge == NULL)
		TR_FAIL(st, TR_ERR_NO_MEMORY, "no memory");
	judge->rules = tr_broadcast_state_create(
		context, &TR_MAKE(tr_state_descriptor, .name = "rules", .value_bytes = sizeof(struct rule)));
	judge->payments = tr_map_state_create(
		context, &TR_MAKE(tr_state_descriptor, .name = "payments", .value_bytes = sizeof(int64_t)));
	judge->last_number = tr_value_state_create(
		context, &TR_MAKE(tr_state_descriptor, .name = "last-number", .value_bytes = sizeof(uint64_t)));
	tr_context_set_own(context, judge);
	return TR_OK;
}

static void close_judge(struct tr_context *context) { free(tr_context_own(context)); }

static tr_code keep_payment(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			    struct tr_status *st)
{
	struct judge *judge = tr_context_own(context);
	uint64_t *number = tr_value_state_put(judge->last_number);
	const struct order_key key = key_of(tr_row_i64(row, PAID_AT), ++*number);
	const int64_t cents = tr_row_i64(row, CENTS);

	tr_map_state_put(judge->payments, &key, sizeof(key), &cents, sizeof(cents));
	tr_timer_set_event_time(context, tr_row_i64(row, PAID_AT));
	return TR_OK;
}

static tr_code keep_rule(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			 struct tr_status *st)
{
	struct judge *judge = tr_context_own(context);
	const struct tr_view *name = tr_row_text(row, NAME);
	const int64_t number = tr_row_i64(row, RULE);
	const struct order_key key = key_of(tr_row_i64(row, FROM), (uint64_t)number);
	struct rule rule = {.cents = tr_row_i64(row, LEAST_CENTS),
			    .count = tr_row_i64(row, COUNT),
			    .seconds = tr_row_i64(row, SECONDS),
			    .name_length = name->length};

	if (number < 0 || number >= RULES_MAX || name->length > sizeof(rule.name) || rule.seconds * 1000 > HISTORY_MS)
		TR_FAIL(st, TR_ERR_DATA, "rule %lld: its number is not below %d, its name too long, or its time",
			(long long)number, RULES_MAX);
	memcpy(rule.name, tr_view_text(name), name->length);
	tr_broadcast_state_put(judge->rules, &key, sizeof(key), &rule, sizeof(rule));
	return TR_OK;
}

/** How many payments of the current account reach the rule, up to `time_ms`; 0 if none of that very time does. */
static int64_t count_payments(const struct judge *judge, const struct rule *rule, int64_t time_ms)
{
	struct order_key from = key_of(time_ms - rule->seconds * 1000, 0);
	const void *key = &from, *bytes;
	uint32_t key_length = sizeof(from), length;
	int64_t count = 0, cents;
	bool is_reached_now = false;

	while (tr_map_state_next(judge->payments, key, key_length, &key, &key_length, &bytes, &length) &&
	       time_of(key) <= time_ms) {
		memcpy(&cents, bytes, sizeof(cents));
		count += cents >= rule->cents;
		is_reached_now = is_reached_now || (cents >= rule->cents && time_of(key) == time_ms);
	}
	return is_reached_now ? count : 0;
}

/** The rules that hold at a time, by number; NULL: there is none. */
static void find_rules(const struct judge *judge, int64_t time_ms, const struct rule *holding[RULES_MAX])
{
	const void *key = NULL, *rule;
	uint32_t key_length = 0, length;
	struct order_key k;

	while (tr_broadcast_state_next(judge->rules, key, key_length, &key, &key_length, &rule, &length) &&
	       time_of(key) <= time_ms) {
		memcpy(&k, key, sizeof(k));
		holding[__builtin_bswap64(k.number)] = rule;
	}
}

static void forget_payments(const struct judge *judge, int64_t before_ms)
{
	const void *key, *bytes;
	uint32_t key_length, length;

	while (tr_map_state_next(judge->payments, NULL, 0, &key, &key_length, &bytes, &length) &&
	       time_of(key) < before_ms) {
		struct order_key oldest;

		memcpy(&oldest, key, sizeof(oldest));
		tr_map_state_remove(judge->payments, &oldest, sizeof(oldest));
	}
}

static tr_code judge_payment(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			     struct tr_status *st)
{
	const struct judge *judge = tr_context_own(context);
	const struct rule *rules[RULES_MAX] = {NULL};
	const struct tr_row account = tr_context_key(context);

	find_rules(judge, timer->time_ms, rules);
	for (uint32_t i = 0; i < RULES_MAX; i++) {
		const int64_t count =
			rules[i] != NULL && rules[i]->count > 0 ? count_payments(judge, rules[i], timer->time_ms) : 0;

		if (count == 0 || count < rules[i]->count)
			continue;
		tr_collector_set_column(out, 0, &account, 0);
		tr_collector_set_i64(out, 1, timer->time_ms);
		tr_collector_set_text(out, 2, rules[i]->name, rules[i]->name_length);
		tr_collector_set_i64(out, 3, count);
		tr_collector_add(out);
	}
	forget_payments(judge, timer->time_ms - HISTORY_MS);
	return TR_OK;
}

static struct tr_stream *read_csv(struct tr_env *env, const char *name, const char *columns, const char *file)
{
	const char *const options[] = {"connector", "filesystem", "path", file, "format", "csv", NULL};
	const struct tr_watermark_strategy times = TR_MAKE(tr_watermark_strategy, .time_column = "ts");

	return tr_stream_parallelism(tr_env_from_connector(env, name, columns, options, &times), 1);
}

static tr_code build(struct tr_env *env, int argc, char **argv, struct tr_status *st)
{
	const struct tr_co_function judge =
		TR_MAKE(tr_co_function, .open = open_judge, .on_left_row = keep_payment, .on_right_row = keep_rule,
			.on_timer = judge_payment, .close = close_judge);
	struct tr_stream *payments, *rules, *alerts;

	payments = read_csv(env, "payments", "account BIGINT, ts TIMESTAMP(3), cents BIGINT",
			    "examples/broadcast_rules/payments.csv");
	rules = read_csv(env, "rules",
			 "rule INT, ts TIMESTAMP(3), name STRING, cents BIGINT, payments INT, seconds INT",
			 "examples/broadcast_rules/rules.csv");
	alerts = tr_stream_connect_broadcast(tr_stream_key_by(payments, "account"), rules,
					     "account BIGINT, ts TIMESTAMP(3), rule STRING, payments BIGINT", &judge);
	tr_stream_uid(tr_stream_name(alerts, "judge"), "judge");
	tr_stream_print(alerts);
	return TR_OK;
}

TR_PLUGIN(build)
