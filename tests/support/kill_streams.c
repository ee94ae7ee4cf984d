/* SPDX-License-Identifier: Apache-2.0
 *
 * A job in C that is killed and started again (tests/run_kill, run_kill_points): functions with all sorts of state and timers, reduce, windows
 * in SQL and in C, two streams in one operator, rules that are broadcast. What it publishes depends on its input only; tests/support/stream_model.py works it out
 * without it. All columns are numbers.
 *
 *     bids ─┬─ by bidder: five states, a time to live, a timer each 30 seconds ──▶ bidders
 *           ├─ by auction: SQL aggregates over 10 seconds ──▶ windows
 *           ├─ dear ones, looked up by an async function, by auction: reduce ──▶ folded
 *           ├─ by bidder: sessions of a second ──▶ sessions, late rows ──▶ late
 *           ├─ by auction: the last 10 of every 3 rows ──▶ counted
 *           ├─ dear and cheap ones by auction, connected ──▶ connected
 *           ├─ by bidder; the dearest of each channel, to all subtasks ──▶ ruled
 *           └─ dear ones, looked up in any order ──▶ looked_up
 *     the same, never late ─── dear and cheap ones by auction: within an interval ──▶ near, in a window ──▶ joined
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tailrace/tailrace.h>

#define SPAN_MS 30000
#define FAR_MS INT64_C(4000000000000) /* behind all times of the input */

enum { AUCTION, BIDDER, PRICE, CHANNEL, TS }; /* columns of bids */

/* Bidders. */

struct totals {
	int64_t count, sum;
};

struct bidder {
	struct tr_value_state *totals, *lasting;
	struct tr_reducing_state *highest;
	struct tr_aggregating_state *mix;
	struct tr_list_state *dear;
	struct tr_map_state *channels;
};

static void keep_higher(void *user, void *value, const void *added)
{
	if (*(const int64_t *)added > *(int64_t *)value)
		*(int64_t *)value = *(const int64_t *)added;
}

static void mix_add(void *user, void *accumulator, const void *value)
{
	struct totals *t = accumulator;

	t->count++;
	t->sum += *(const int64_t *)value;
}

static void mix_result(void *user, const void *accumulator, void *result)
{
	const struct totals *t = accumulator;

	*(int64_t *)result = 7 * t->sum + t->count;
}

static tr_code open_bidder(struct tr_context *context, struct tr_status *st)
{
	struct bidder *b = calloc(1, sizeof(*b));

	tr_context_set_own(context, b);
	b->totals = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "totals",
							    .value_bytes = sizeof(struct totals),
							    .columns = "n BIGINT, total BIGINT"));
	b->lasting = tr_value_state_create(
		context, &TR_MAKE(tr_state_descriptor, .name = "lasting", .value_bytes = 8, .ttl_ms = 86400000));
	b->highest = tr_reducing_state_create(
		context, &TR_MAKE(tr_state_descriptor, .name = "highest", .value_bytes = 8), keep_higher, NULL);
	b->mix = tr_aggregating_state_create(
		context, &TR_MAKE(tr_state_descriptor, .name = "mix", .value_bytes = sizeof(struct totals)),
		&TR_MAKE(tr_aggregate_function, .add = mix_add, .result = mix_result));
	b->dear = tr_list_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "dear"));
	b->channels = tr_map_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "channels"));
	return TR_OK;
}

static void close_own(struct tr_context *context) { free(tr_context_own(context)); }

static tr_code on_bid(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	struct bidder *b = tr_context_own(context);
	const int64_t price = tr_row_i64(row, PRICE), time_ms = tr_context_timestamp(context);
	const struct tr_view *channel = tr_row_text(row, CHANNEL);
	struct totals *totals = tr_value_state_put(b->totals);
	const void *seen;
	int64_t n = 0;

	totals->count++;
	totals->sum += price;
	*(int64_t *)tr_value_state_put(b->lasting) += 1;
	tr_reducing_state_add(b->highest, &price);
	tr_aggregating_state_add(b->mix, &price);
	if (price > 700000)
		tr_list_state_add(b->dear, &price, sizeof(price));
	seen = tr_map_state_get(b->channels, tr_view_text(channel), channel->length, NULL);
	if (seen != NULL)
		memcpy(&n, seen, sizeof(n));
	n++;
	tr_map_state_put(b->channels, tr_view_text(channel), channel->length, &n, sizeof(n));
	tr_timer_set_event_time(context, (time_ms / SPAN_MS + 1) * SPAN_MS);
	return TR_OK;
}

/** Each element by its place: 1 * the first + 2 * the second + .. */
static int64_t sum_of_list(struct tr_list_state *list)
{
	const void *bytes;
	uint64_t cursor = 0;
	uint32_t length;
	int64_t sum = 0, value;

	for (int64_t i = 1; tr_list_state_next(list, &cursor, &bytes, &length); i++) {
		memcpy(&value, bytes, sizeof(value));
		sum += i * value;
	}
	return sum;
}

static int64_t sum_of_map(struct tr_map_state *map)
{
	const void *key = NULL, *bytes;
	uint32_t key_length = 0, length;
	int64_t sum = 0, value;

	for (int64_t i = 1; tr_map_state_next(map, key, key_length, &key, &key_length, &bytes, &length); i++) {
		memcpy(&value, bytes, sizeof(value));
		sum += i * value;
	}
	return sum;
}

static tr_code tell_bidder(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			   struct tr_status *st)
{
	struct bidder *b = tr_context_own(context);
	const struct tr_row key = tr_context_key(context);
	const struct totals *totals = tr_value_state_get(b->totals);
	const int64_t *highest = tr_reducing_state_get(b->highest);
	const int64_t count = totals != NULL ? totals->count : 0;
	int64_t mix = 0;

	(void)tr_aggregating_state_get(b->mix, &mix);
	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, timer->time_ms);
	tr_collector_set_i64(out, 2, count);
	tr_collector_set_i64(out, 3, totals != NULL ? totals->sum : 0);
	tr_collector_set_i64(out, 4, highest != NULL ? *highest : -1);
	tr_collector_set_i64(out, 5, mix);
	tr_collector_set_i64(out, 6, sum_of_list(b->dear));
	tr_collector_set_i64(out, 7, sum_of_map(b->channels));
	tr_collector_set_i64(out, 8, *(const int64_t *)tr_value_state_get(b->lasting));
	tr_collector_add(out);
	tr_list_state_clear(b->dear);
	tr_map_state_clear(b->channels);
	if (count % 5 == 0)
		tr_value_state_clear(b->totals);
	if (count % 7 == 0)
		tr_reducing_state_clear(b->highest);
	return TR_OK;
}

/* Looked up: an async function that answers each row with itself, in order, on threads that take their time. */

#define ANSWERERS 3
#define ASKED_MAX 64

struct service {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct tr_async_request *asked[ASKED_MAX];
	uint32_t count;
	bool is_over;
	pthread_t threads[ANSWERERS];
};

static void *answer(void *argument)
{
	struct service *s = argument;

	pthread_mutex_lock(&s->lock);
	while (!s->is_over || s->count > 0) {
		struct tr_async_request *request;
		struct tr_row row;

		if (s->count == 0) {
			pthread_cond_wait(&s->changed, &s->lock);
			continue;
		}
		request = s->asked[--s->count];
		pthread_mutex_unlock(&s->lock);
		row = tr_async_row(request);
		usleep((unsigned)(tr_row_i64(&row, 1) % 200));
		tr_collector_add_row(tr_async_out(request), &row);
		tr_async_complete(request);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static tr_code open_service(struct tr_context *context, struct tr_status *st)
{
	struct service *s = calloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	for (int i = 0; i < ANSWERERS; i++)
		if (pthread_create(&s->threads[i], NULL, answer, s) != 0)
			abort();
	tr_context_set_own(context, s);
	return TR_OK;
}

static tr_code look_up(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
		       struct tr_status *st)
{
	struct service *s = tr_context_own(context);

	pthread_mutex_lock(&s->lock);
	s->asked[s->count++] = request;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return TR_OK;
}

static void close_service(struct tr_context *context)
{
	struct service *s = tr_context_own(context);

	pthread_mutex_lock(&s->lock);
	s->is_over = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < ANSWERERS; i++)
		pthread_join(s->threads[i], NULL);
	free(s);
}

static struct tr_stream *looked_up(struct tr_stream *stream)
{
	struct tr_stream *same = tr_stream_async(
		stream, "auction BIGINT, total BIGINT, n BIGINT",
		&TR_MAKE(tr_async_function, .open = open_service, .on_row = look_up, .close = close_service),
		&TR_MAKE(tr_async_options, .capacity = ASKED_MAX));

	/* One subtask: so the rows of a key stay in order whatever happens. */
	return tr_stream_uid(tr_stream_parallelism(same, 1), "looked-up");
}

/* Folded. */

static tr_code add_price(void *user, const struct tr_row *so_far, const struct tr_row *row, struct tr_collector *out,
			 struct tr_status *st)
{
	tr_collector_set_i64(out, 1, tr_row_i64(so_far, 1) + tr_row_i64(row, 1));
	tr_collector_set_i64(out, 2, tr_row_i64(so_far, 2) + 1);
	return TR_OK;
}

/* Sessions, and windows of counts. */

static void session_add(void *user, void *accumulator, const struct tr_row *row)
{
	struct totals *t = accumulator;

	t->count++;
	t->sum += tr_row_i64(row, PRICE);
}

static void session_merge(void *user, void *accumulator, const void *other)
{
	struct totals *t = accumulator;
	const struct totals *o = other;

	t->count += o->count;
	t->sum += o->sum;
}

static tr_code session_result(struct tr_context *context, const struct tr_window *window, const void *accumulator,
			      struct tr_collector *out, struct tr_status *st)
{
	const struct tr_row key = tr_context_key(context);
	const struct totals *t = accumulator;

	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, window->start_ms);
	tr_collector_set_i64(out, 2, window->end_ms);
	tr_collector_set_i64(out, 3, t->count);
	tr_collector_set_i64(out, 4, t->sum);
	tr_collector_add(out);
	return TR_OK;
}

static tr_code tell_rows(struct tr_context *context, const struct tr_window *window, const struct tr_batch *rows,
			 struct tr_collector *out, struct tr_status *st)
{
	const struct tr_row key = tr_context_key(context);
	int64_t sum = 0;

	for (uint32_t i = 0; i < rows->selected_count; i++) {
		const struct tr_row row = {rows, tr_batch_row(rows, i)};

		sum += (i + 1) * tr_row_i64(&row, PRICE);
	}
	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, rows->selected_count);
	tr_collector_set_i64(out, 2, sum);
	tr_collector_add(out);
	return TR_OK;
}

/* Connected. */

struct sides {
	struct totals side[2];
};

static tr_code open_sides(struct tr_context *context, struct tr_status *st)
{
	tr_context_set_own(context, tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "sides",
									    .value_bytes = sizeof(struct sides))));
	return TR_OK;
}

static tr_code add_to_side(struct tr_context *context, const struct tr_row *row, uint32_t side)
{
	struct sides *s = tr_value_state_put(tr_context_own(context));

	s->side[side].count++;
	s->side[side].sum += tr_row_i64(row, PRICE);
	tr_timer_set_event_time(context, FAR_MS);
	return TR_OK;
}

static tr_code on_dear(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		       struct tr_status *st)
{
	return add_to_side(context, row, 0);
}

static tr_code on_cheap(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			struct tr_status *st)
{
	return add_to_side(context, row, 1);
}

static tr_code tell_sides(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			  struct tr_status *st)
{
	const struct tr_row key = tr_context_key(context);
	const struct sides *s = tr_value_state_get(tr_context_own(context));

	tr_collector_set_column(out, 0, &key, 0);
	for (uint32_t side = 0; side < 2; side++) {
		tr_collector_set_i64(out, 1 + 2 * side, s->side[side].count);
		tr_collector_set_i64(out, 2 + 2 * side, s->side[side].sum);
	}
	tr_collector_add(out);
	return TR_OK;
}

/* Broadcast: the highest price of each channel, which is the same in whatever order rows come. At the end each bidder tells how many rows
 * it had, and the sum of all that its subtask was told. */

struct ruled {
	struct tr_broadcast_state *highest;
	struct tr_value_state *rows;
};

static tr_code open_ruled(struct tr_context *context, struct tr_status *st)
{
	struct ruled *r = calloc(1, sizeof(*r));

	r->highest = tr_broadcast_state_create(
		context, &TR_MAKE(tr_state_descriptor, .name = "highest", .value_bytes = sizeof(int64_t)));
	r->rows = tr_value_state_create(context,
					&TR_MAKE(tr_state_descriptor, .name = "rows", .value_bytes = sizeof(int64_t)));
	tr_context_set_own(context, r);
	return TR_OK;
}

static tr_code count_ruled(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			   struct tr_status *st)
{
	const struct ruled *r = tr_context_own(context);

	++*(int64_t *)tr_value_state_put(r->rows);
	tr_timer_set_event_time(context, FAR_MS);
	return TR_OK;
}

static tr_code raise_highest(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			     struct tr_status *st)
{
	const struct ruled *r = tr_context_own(context);
	const struct tr_view *channel = tr_row_text(row, CHANNEL);
	const int64_t price = tr_row_i64(row, PRICE);
	const int64_t *so_far = tr_broadcast_state_get(r->highest, tr_view_text(channel), channel->length, NULL);

	if (so_far == NULL || *so_far < price)
		tr_broadcast_state_put(r->highest, tr_view_text(channel), channel->length, &price, sizeof(price));
	return TR_OK;
}

static tr_code tell_ruled(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			  struct tr_status *st)
{
	const struct ruled *r = tr_context_own(context);
	const struct tr_row key = tr_context_key(context);
	const void *channel = NULL, *price;
	uint32_t channel_length = 0, length;
	int64_t sum = 0;

	while (tr_broadcast_state_next(r->highest, channel, channel_length, &channel, &channel_length, &price, &length))
		sum += *(const int64_t *)price;
	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, *(const int64_t *)tr_value_state_get(r->rows));
	tr_collector_set_i64(out, 2, sum);
	tr_collector_add(out);
	return TR_OK;
}

/* Joins: of bids that are never late, as which of two streams is ahead would decide on late ones. */

static tr_code pair(struct tr_context *context, const struct tr_row *left, const struct tr_row *right,
		    struct tr_collector *out, struct tr_status *st)
{
	tr_collector_set_column(out, 0, left, AUCTION);
	tr_collector_set_i64(out, 1, tr_row_i64(left, PRICE));
	tr_collector_set_i64(out, 2, tr_row_i64(right, PRICE));
	tr_collector_add(out);
	return TR_OK;
}

/* The graph. */

static const char *argument(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], name, strlen(name)) == 0)
			return argv[i] + strlen(name);
	return ".";
}

static void publish(struct tr_stream *stream, const char *name, const char *folder)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	tr_stream_sink_to_connector(
		stream, name, (const char *const[]){"connector", "filesystem", "path", path, "format", "csv", NULL});
}

static tr_code build(struct tr_env *env, int argc, char **argv, struct tr_status *st)
{
	const char *out = argument(argc, argv, "OUT=");
	char path[4096];
	const char *const options[] = {"connector", "filesystem",        "path",  path, "format",
				       "csv",       "source.chunk-size", "32 kb", NULL};
	const struct tr_watermark_strategy times =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .out_of_orderness_ms = 2000);
	const struct tr_function bidder = TR_MAKE(tr_function, .open = open_bidder, .on_row = on_bid,
						  .on_timer = tell_bidder, .close = close_own);
	const struct tr_window_function session =
		TR_MAKE(tr_window_function, .accumulator_bytes = sizeof(struct totals), .add = session_add,
			.merge = session_merge, .result = session_result);
	const struct tr_window_function rows = TR_MAKE(tr_window_function, .process = tell_rows);
	const struct tr_co_function sides = TR_MAKE(tr_co_function, .open = open_sides, .on_left_row = on_dear,
						    .on_right_row = on_cheap, .on_timer = tell_sides);
	const struct tr_co_function ruled =
		TR_MAKE(tr_co_function, .open = open_ruled, .on_left_row = count_ruled, .on_right_row = raise_highest,
			.on_timer = tell_ruled, .close = close_own);
	const struct tr_async_function look_ups =
		TR_MAKE(tr_async_function, .open = open_service, .on_row = look_up, .close = close_service);
	const struct tr_async_options any_order =
		TR_MAKE(tr_async_options, .is_unordered = true, .capacity = ASKED_MAX);
	const struct tr_watermark_strategy slow_times =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .out_of_orderness_ms = 10000);
	struct tr_stream *bids, *by_bidder, *by_auction, *sessions, *steady, *dearest, *cheapest;

	snprintf(path, sizeof(path), "%s/bids.csv", argument(argc, argv, "DIR="));
	tr_env_set(env, "pipeline.auto-watermark-interval", "0 ms");
	bids = tr_env_from_connector(env, "bids",
				     "auction BIGINT, bidder BIGINT, price INT, channel STRING, ts TIMESTAMP(3)",
				     options, &times);
	tr_stream_parallelism(bids, 1);
	by_bidder = tr_stream_key_by(bids, "bidder");
	by_auction = tr_stream_key_by(bids, "auction");
	publish(tr_stream_uid(
			tr_stream_process(by_bidder,
					  "bidder BIGINT, t BIGINT, n BIGINT, total BIGINT, high BIGINT, mix BIGINT, "
					  "dear BIGINT, channels BIGINT, lasting BIGINT",
					  &bidder),
			"bidders"),
		"bidders", out);
	publish(tr_stream_select(
			tr_stream_uid(tr_stream_window_aggregate(by_auction, tr_windows_tumbling(10000),
								 "COUNT(*) AS n, SUM(CAST(price AS BIGINT)) "
								 "AS total"),
				      "windows"),
			"auction, TIMESTAMPDIFF(SECOND, TIMESTAMP '1970-01-01 00:00:00', window_start) AS w, n, "
			"total"),
		"windows", out);
	publish(tr_stream_uid(tr_stream_reduce(tr_stream_key_by(looked_up(tr_stream_select(
									tr_stream_where(bids, "price > 900000"),
									"auction, CAST(price AS BIGINT) AS "
									"total, CAST(1 AS BIGINT) AS n")),
								"auction"),
					       add_price, NULL),
			      "folded"),
		"folded", out);
	sessions =
		tr_stream_window_process(by_bidder, tr_windows_session(1000),
					 "bidder BIGINT, f BIGINT, t BIGINT, n BIGINT, total BIGINT", &session, NULL);
	tr_stream_uid(sessions, "sessions");
	publish(sessions, "sessions", out);
	publish(tr_stream_select(tr_stream_late_rows(sessions), "bidder, price"), "late", out);
	publish(tr_stream_uid(tr_stream_window_process(by_auction, tr_windows_count_sliding(10, 3),
						       "auction BIGINT, n BIGINT, total BIGINT", &rows, NULL),
			      "counted"),
		"counted", out);
	publish(tr_stream_uid(
			tr_stream_connect_process(
				tr_stream_key_by(tr_stream_where(bids, "price >= 500000"), "auction"),
				tr_stream_key_by(tr_stream_where(bids, "price < 500000"), "auction"),
				"auction BIGINT, dear BIGINT, dear_total BIGINT, cheap BIGINT, cheap_total BIGINT",
				&sides),
			"connected"),
		"connected", out);
	publish(tr_stream_uid(
			tr_stream_connect_broadcast(by_bidder, bids, "bidder BIGINT, n BIGINT, total BIGINT", &ruled),
			"ruled"),
		"ruled", out);
	steady = tr_env_from_connector(env, "steady",
				       "auction BIGINT, bidder BIGINT, price INT, channel STRING, ts TIMESTAMP(3)",
				       options, &slow_times);
	dearest = tr_stream_key_by(tr_stream_where(steady, "price >= 950000"), "auction");
	cheapest = tr_stream_key_by(tr_stream_where(steady, "price < 30000"), "auction");
	publish(tr_stream_uid(tr_stream_interval_join(dearest, cheapest, -20000, 60000,
						      "auction BIGINT, dear BIGINT, cheap BIGINT", pair, NULL, NULL),
			      "near"),
		"near", out);
	publish(tr_stream_uid(tr_stream_window_join(dearest, cheapest, tr_windows_tumbling(60000),
						    "auction BIGINT, dear BIGINT, cheap BIGINT", pair, NULL, NULL),
			      "joined"),
		"joined", out);
	publish(tr_stream_uid(tr_stream_async(tr_stream_select(tr_stream_where(bids, "price > 600000"),
							       "auction, CAST(price AS BIGINT) * 2 + 1 AS total, "
							       "bidder AS n"),
					      "auction BIGINT, total BIGINT, n BIGINT", &look_ups, &any_order),
			      "looked_up"),
		"looked_up", out);
	return TR_OK;
}

TR_PLUGIN(build)
