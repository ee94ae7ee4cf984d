/* SPDX-License-Identifier: Apache-2.0
 *
 * Event time of sources that do not end: idleness, generators by the clock, watermarks that move without rows, alignment; and jobs with
 * strategies that are stopped in the middle.
 *
 * The sources are scripts of this file that look at what has come out at the other end (timers of event time that have fired), and
 * end when they have seen it, or after a time in which they should have: then the test fails.
 */
#include "api_test.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 4000

static _Atomic uint32_t fired;    /* keys whose timers have come: bits */
static _Atomic bool out_of_time;  /* a script has waited in vain */
static _Atomic int64_t began_ms;  /* of the test */
static _Atomic uint32_t turns[4]; /* reads of a split */

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void begin(void)
{
	atomic_store(&fired, 0);
	atomic_store(&out_of_time, false);
	atomic_store(&began_ms, clock_ms());
	for (uint32_t i = 0; i < TR_COUNT_OF(turns); i++)
		atomic_store(&turns[i], 0);
}

/** A script is done: its condition holds, or there is no more time. */
static bool is_over(bool condition)
{
	if (!condition && clock_ms() - atomic_load(&began_ms) > PATIENCE_MS)
		atomic_store(&out_of_time, true);
	return condition || atomic_load(&out_of_time);
}

static bool has_fired(uint32_t key) { return (atomic_load(&fired) >> key & 1) != 0; }

static void add(struct tr_source_reading *r, struct tr_collector *out, int64_t key, int64_t timer, int64_t time)
{
	tr_collector_set_i64(out, 0, key);
	tr_collector_set_i64(out, 1, timer);
	tr_collector_set_i64(out, 2, time);
	tr_collector_add(out);
	r->position++;
}

/** Rows are (key, a timer to be set, time). */
static tr_code set_timer(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			 struct tr_status *st)
{
	tr_timer_set_event_time(context, tr_row_i64(row, 1));
	return TR_OK;
}

static tr_code on_timer(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			struct tr_status *st)
{
	const struct tr_row key = tr_context_key(context);

	atomic_fetch_or(&fired, 1u << tr_row_i64(&key, 0));
	return TR_OK;
}

static void watch(struct tr_stream *stream)
{
	const struct tr_function function = TR_MAKE(tr_function, .on_row = set_timer, .on_timer = on_timer);

	(void)tr_stream_collect(tr_stream_process(tr_stream_key_by(stream, "k"), "n BIGINT", &function));
}

typedef tr_code (*read_fn)(void *user, void *reader, struct tr_source_reading *reading, struct tr_collector *out,
			   enum tr_read *result, struct tr_status *st);

static struct tr_stream *scripted(struct tr_env *env, const char *name, read_fn read, uint32_t splits, bool says,
				  const struct tr_watermark_strategy *w)
{
	const struct tr_source_function function = TR_MAKE(tr_source_function, .split_count = splits,
							   .is_unbounded = true, .has_watermarks = says, .read = read);

	return tr_env_from_source(env, name, API_COLUMNS, &function, w);
}

static struct tr_env *live_env(uint32_t parallelism)
{
	struct tr_env *env = api_env((const char *const[]){"1", "2", "3"}[parallelism - 1]);

	begin();
	tr_env_set(env, "pipeline.auto-watermark-interval", "5 ms");
	tr_env_set(env, "execution.buffer-timeout.interval", "1 ms");
	return env;
}

static void finish(struct tr_env *env)
{
	api_run(env);
	assert_false(atomic_load(&out_of_time));
	tr_env_destroy(&env);
}

/* A source's own watermark moves while it waits. */

static tr_code say_later(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			 enum tr_read *result, struct tr_status *st)
{
	r->wake_ms = 1;
	*result = TR_READ_WAIT;
	if (r->position == 0) {
		add(r, out, r->split, 2000, 1000);
		r->watermark_ms = 900;
		*result = TR_READ_MORE;
		return TR_OK;
	}
	r->watermark_ms = TR_MIN(r->watermark_ms + 100, 2500);
	if (is_over(atomic_load(&fired) == 7))
		*result = TR_READ_END;
	return TR_OK;
}

static void test_own_while_waiting(void **state)
{
	for (uint32_t p = 1; p <= 3; p++) {
		struct tr_env *env = live_env(p);

		watch(scripted(env, "rows", say_later, 3, true, API_WATERMARKS));
		finish(env);
	}
}

/* A split without rows holds the watermark back, unless it is idle; its next row makes it active again. */

static tr_code one_silent(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			  enum tr_read *result, struct tr_status *st)
{
	const bool is_idle = user != NULL;
	const uint32_t turn = atomic_fetch_add(&turns[r->split], 1);

	r->wake_ms = 1;
	*result = TR_READ_WAIT;
	if (!is_idle) {
		if (r->split == 0 && r->position == 0)
			add(r, out, 0, 2000, 1000);
		else if (r->split == 0 && r->position == 1)
			add(r, out, 1, 9000, 3000);
		else if (turn > 40 && (r->split == 1 || atomic_load(&turns[1]) > 40)) {
			assert_false(has_fired(0) && r->split == 1);
			*result = TR_READ_END;
		}
		return TR_OK;
	}
	if (r->split == 0 && r->position < 2)
		add(r, out, 0, 2000, 1000 + 2000 * r->position);
	else if (r->split == 0 && r->position == 2 && atomic_load(&turns[2]) > 0)
		add(r, out, 1, 5000, 10000); /* the other split is active: 5,000 must wait */
	else if (r->split == 1 && has_fired(0) && r->position < 30) {
		assert_false(has_fired(1));
		add(r, out, 2, 100000, 4000);
		atomic_store(&turns[2], 1);
	} else if (is_over(has_fired(1))) /* it is idle once more */
		*result = TR_READ_END;
	return TR_OK;
}

static void test_idle_split(void **state)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct tr_env *env = live_env(1 + i % 2);
		const struct tr_source_function function =
			TR_MAKE(tr_source_function, .split_count = 2, .is_unbounded = true, .read = one_silent,
				.user = i >= 2 ? env : NULL);
		const struct tr_watermark_strategy w =
			TR_MAKE(tr_watermark_strategy, .time_column = "ts", .idle_timeout_ms = i >= 2 ? 100 : 0);

		watch(tr_env_from_source(env, "rows", API_COLUMNS, &function, &w));
		finish(env);
	}
}

/* In the middle: a subtask without rows. */

static tr_code first_only(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			  enum tr_read *result, struct tr_status *st)
{
	r->wake_ms = 1;
	*result = TR_READ_WAIT;
	if (r->split == 0 && r->position < 2)
		add(r, out, 0, 2000, 1000 + 2000 * r->position);
	else if (is_over(has_fired(0)))
		*result = TR_READ_END;
	return TR_OK;
}

static void test_idle_subtask(void **state)
{
	const struct tr_watermark_strategy w =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .idle_timeout_ms = 20);

	for (uint32_t p = 1; p <= 3; p++) {
		struct tr_env *env = live_env(p);

		watch(tr_stream_assign_watermarks(scripted(env, "rows", first_only, 3, false, NULL), &w));
		finish(env);
	}
}

/* A source's own watermark counts as a row: the split that says one is not idle, though it has no rows. */

static tr_code talks(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
		     enum tr_read *result, struct tr_status *st)
{
	const uint32_t turn = atomic_fetch_add(&turns[r->split], 1);

	r->wake_ms = 1;
	*result = TR_READ_WAIT;
	if (r->split == 0 && r->position < 2) {
		add(r, out, 0, 2000, 1000 + 2000 * r->position);
		r->watermark_ms = 500 + 2000 * r->position;
	} else if (r->split == 1 && turn < 200) { /* for longer than the timeout, and behind the timer */
		assert_false(has_fired(0));
		r->watermark_ms = 1000 + turn;
	} else if (is_over(has_fired(0))) {
		*result = TR_READ_END; /* split 1 has gone silent */
	}
	return TR_OK;
}

static void test_said_is_active(void **state)
{
	const struct tr_watermark_strategy w =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .idle_timeout_ms = 100);
	struct tr_env *env = live_env(2);

	watch(scripted(env, "rows", talks, 2, true, &w));
	finish(env);
}

/* By the clock. */

struct remembered {
	int64_t greatest_ms;
};
static _Atomic int32_t generators; /* open ones */
static _Atomic int32_t generators_most;

static tr_code open_generator(void *user, void **own, struct tr_status *st)
{
	const int32_t open = atomic_fetch_add(&generators, 1) + 1;

	*own = calloc(1, sizeof(struct remembered));
	if (open > atomic_load(&generators_most))
		atomic_store(&generators_most, open);
	return TR_OK;
}

static tr_code remember(void *own, const struct tr_row *row, int64_t time_ms, int64_t *watermark_ms,
			struct tr_status *st)
{
	struct remembered *r = own;

	r->greatest_ms = TR_MAX(r->greatest_ms, time_ms);
	return TR_OK;
}

static tr_code periodic(void *own, int64_t *watermark_ms, struct tr_status *st)
{
	const struct remembered *r = own;

	if (r->greatest_ms > 0)
		*watermark_ms = r->greatest_ms - 500;
	return TR_OK;
}

static void close_generator(void *own)
{
	free(own);
	atomic_fetch_sub(&generators, 1);
}

static const struct tr_watermark_generator by_clock = {.struct_size = sizeof(by_clock),
						       .open = open_generator,
						       .on_row = remember,
						       .on_periodic = periodic,
						       .close = close_generator};

static tr_code once_each(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			 enum tr_read *result, struct tr_status *st)
{
	r->wake_ms = 1;
	*result = TR_READ_WAIT;
	if (r->position == 0)
		add(r, out, r->split, 2000, 3000);
	else if (is_over(atomic_load(&fired) == 7))
		*result = TR_READ_END;
	return TR_OK;
}

static void test_periodic(void **state)
{
	const struct tr_watermark_strategy w =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .generator = &by_clock);

	for (uint32_t i = 0; i < 6; i++) {
		const bool in_middle = i >= 3;
		struct tr_env *env = live_env(1 + i % 3);
		struct tr_stream *stream = scripted(env, "rows", once_each, 3, false, in_middle ? NULL : &w);

		atomic_store(&generators_most, 0);
		if (in_middle)
			stream = tr_stream_assign_watermarks(stream, &w);
		watch(stream);
		finish(env);
		/* One for each split, or each subtask; all closed. */
		assert_int_equal(atomic_load(&generators_most), in_middle ? 1 + i % 3 : 3);
		assert_int_equal(atomic_load(&generators), 0);
	}
}

/* The watermark of a source is the least of its splits, also within one reader. */

static tr_code uneven(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
		      enum tr_read *result, struct tr_status *st)
{
	const int64_t step = 10 * (r->split + 1);

	if (r->position < 300)
		add(r, out, r->split, 1000 + step * r->position, 1000 + step * r->position);
	*result = r->position == 300 ? TR_READ_END : TR_READ_MORE;
	return TR_OK;
}

/** Remembers of each key the greatest time, and that no watermark has passed that of an open one. */
static _Atomic int64_t greatest[2];

static tr_code check_least(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			   struct tr_status *st)
{
	const int64_t key = tr_row_i64(row, 0), time = tr_row_i64(row, 2);
	const int64_t other = atomic_load(&greatest[1 - key]);

	atomic_store(&greatest[key], time);
	assert_true(tr_context_watermark(context) < time);
	if (other < 1000 + 299 * 10 * (2 - key)) /* the other split has not ended */
		assert_true(tr_context_watermark(context) <= other);
	return TR_OK;
}

static void test_least_of_splits(void **state)
{
	const struct tr_source_function function = TR_MAKE(tr_source_function, .split_count = 2, .read = uneven);
	const struct tr_function checking = TR_MAKE(tr_function, .on_row = check_least);
	struct tr_env *env = live_env(1);

	atomic_store(&greatest[0], 0);
	atomic_store(&greatest[1], 0);
	tr_env_set(env, "pipeline.auto-watermark-interval", "0 ms");
	(void)tr_stream_collect(tr_stream_flat_map(
		tr_env_from_source(env, "rows", API_COLUMNS, &function, API_WATERMARKS), "n BIGINT", &checking));
	finish(env);
}

/* Alignment: a source, or a split, that is ahead by more than it may stops until the others have come. */

#define DRIFT 1000
static _Atomic int64_t positions[2]; /* of the fast one; of the slow one: its time */
static _Atomic bool has_stopped;
static _Atomic int64_t quiet_turns;

/** A row a millisecond, 100 ms of event time each: 60 rows. */
static tr_code read_fast(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			 enum tr_read *result, struct tr_status *st)
{
	r->wake_ms = 1;
	*result = TR_READ_WAIT;
	if (turns[r->split] % 2 == 0 && r->position < 60)
		add(r, out, 0, 1, 1000 + 100 * r->position);
	atomic_fetch_add(&turns[r->split], 1);
	atomic_store(&positions[0], r->position);
	if (is_over(r->position == 60))
		*result = TR_READ_END;
	return TR_OK;
}

/** Stays where it is until the fast one has not moved for 15 reads, then goes to the end, or what `user` says: */
enum slow { SLOW_MOVES, SLOW_ENDS, SLOW_IDLE, SLOW_STAYS };

static tr_code read_slow(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			 enum tr_read *result, struct tr_status *st)
{
	const enum slow *slow = user;
	const int64_t now = atomic_load(&positions[0]), before = atomic_exchange(&positions[1], now);

	r->wake_ms = 2;
	*result = TR_READ_WAIT;
	if (r->position == 0) {
		add(r, out, 1, 1, 1000);
		return TR_OK;
	}
	if (*slow == SLOW_STAYS)
		return TR_OK;
	if (*slow == SLOW_IDLE) { /* without a word */
		if (is_over(now == 60))
			*result = TR_READ_END;
		return TR_OK;
	}
	atomic_store(&quiet_turns, now > 0 && now == before ? atomic_load(&quiet_turns) + 1 : 0);
	if (now < 60 && atomic_load(&quiet_turns) > 15)
		atomic_store(&has_stopped, true);
	if (r->position == 1 && is_over(atomic_load(&has_stopped))) {
		if (*slow == SLOW_ENDS)
			*result = TR_READ_END;
		else
			add(r, out, 1, 1, 90000);
	} else if (r->position == 2 && is_over(now == 60)) {
		*result = TR_READ_END;
	}
	return TR_OK;
}

static void align_case(enum slow slow, uint32_t parallelism)
{
	const struct tr_watermark_strategy w =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .alignment_group = "g", .max_drift_ms = DRIFT,
			.update_interval_ms = 5, .idle_timeout_ms = slow == SLOW_IDLE ? 30 : 0);
	struct tr_env *env = live_env(parallelism);
	const struct tr_source_function slow_function =
		TR_MAKE(tr_source_function, .split_count = 1, .is_unbounded = true, .read = read_slow, .user = &slow);
	struct tr_stream *both[2];

	atomic_store(&positions[0], 0);
	atomic_store(&positions[1], 0);
	atomic_store(&has_stopped, false);
	atomic_store(&quiet_turns, 0);
	both[0] = scripted(env, "fast", read_fast, 1, false, &w);
	both[1] = tr_env_from_source(env, "slow", API_COLUMNS, &slow_function, &w);
	(void)tr_stream_collect(tr_stream_union(both, 2));
	finish(env);
	assert_int_equal(atomic_load(&positions[0]), 60);
	assert_int_equal(atomic_load(&has_stopped), slow != SLOW_IDLE);
}

static void test_alignment(void **state)
{
	align_case(SLOW_MOVES, 1);
	align_case(SLOW_MOVES, 2);
	align_case(SLOW_ENDS, 1);
	align_case(SLOW_IDLE, 1);
	align_case(SLOW_IDLE, 3);
}

/** A source that waits passes barriers on: there are checkpoints, and the job can be stopped. */
static void test_alignment_with_checkpoints(void **state)
{
	static enum slow stays = SLOW_STAYS;
	const struct tr_watermark_strategy w =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .alignment_group = "g", .max_drift_ms = DRIFT,
			.update_interval_ms = 5);
	const struct tr_source_function slow =
		TR_MAKE(tr_source_function, .split_count = 1, .is_unbounded = true, .read = read_slow, .user = &stays);
	char directory[] = "/tmp/tailrace-watermarks-XXXXXX", savepoint[64], command[64];
	struct tr_env *env = live_env(2);
	struct tr_stream *both[2];
	struct tr_job_metrics metrics;
	struct tr_status st = {0};
	struct tr_job *job;
	int64_t stopped_at;
	uint64_t completed;

	assert_non_null(mkdtemp(directory));
	snprintf(savepoint, sizeof(savepoint), "%s/savepoint", directory);
	atomic_store(&positions[0], 0);
	tr_env_set(env, "execution.checkpointing.interval", "10 ms");
	tr_env_set(env, "execution.checkpointing.dir", directory);
	both[0] = scripted(env, "fast", read_fast, 1, false, &w);
	both[1] = tr_env_from_source(env, "slow", API_COLUMNS, &slow, &w);
	(void)tr_stream_collect(tr_stream_union(both, 2));
	if (tr_env_execute_async(env, "job", &job, &st) != TR_OK)
		fail_msg("%s", st.message);
	do { /* the fast one has stopped */
		usleep(20000);
		tr_job_metrics(job, &metrics);
	} while (atomic_load(&positions[0]) < 10 && !is_over(false));
	usleep(50000);
	stopped_at = atomic_load(&positions[0]);
	completed = metrics.checkpoints_completed;
	do {
		usleep(5000);
		tr_job_metrics(job, &metrics);
	} while (metrics.checkpoints_completed < completed + 3 && !is_over(false));
	assert_false(atomic_load(&out_of_time));
	assert_int_equal(atomic_load(&positions[0]), stopped_at);
	assert_true(stopped_at < 60);
	if (tr_job_stop(job, savepoint, false, &st) != TR_OK || tr_job_wait(job, &st) != TR_OK)
		fail_msg("%s", st.message);
	tr_job_destroy(&job);
	tr_env_destroy(&env);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
}

/** Two splits of one source: split 0 does not get further ahead of split 1 than it may, and split 1 is read on. */
static tr_code read_splits(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			   enum tr_read *result, struct tr_status *st)
{
	const uint32_t turn = atomic_fetch_add(&turns[r->split], 1);

	r->wake_ms = 1;
	*result = TR_READ_WAIT;
	if (r->position < 40 && turn % (r->split == 0 ? 2 : 8) == 0) { /* with rows it does not wait */
		add(r, out, r->split, 1, 1000 + 100 * r->position);
		atomic_store(&positions[r->split], r->position);
		if (r->split == 0 && atomic_load(&positions[1]) < 38)
			atomic_store(&quiet_turns,
				     TR_MAX(atomic_load(&quiet_turns), r->position - atomic_load(&positions[1])));
	}
	if (is_over(r->position == 40))
		*result = TR_READ_END;
	return TR_OK;
}

static void test_alignment_of_splits(void **state)
{
	const struct tr_watermark_strategy w =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .alignment_group = "g", .max_drift_ms = DRIFT,
			.update_interval_ms = 5);

	for (uint32_t p = 1; p <= 2; p++) {
		struct tr_env *env = live_env(p);

		atomic_store(&positions[0], 0);
		atomic_store(&positions[1], 0);
		atomic_store(&quiet_turns, 0);
		(void)tr_stream_collect(scripted(env, "rows", read_splits, 2, false, &w));
		finish(env);
		/* Rows of 100 ms: 10 are allowed, and what an interval has. Without alignment it would be 30. */
		assert_in_range(atomic_load(&quiet_turns), 5, 27);
	}
}

/* Stopped in the middle, and gone on with another number of subtasks: late rows stay late, and all others count once. */

#define RESTORED_ROWS 2000
static _Atomic int64_t gate;

/** Times go back by up to 150 ms; each tenth row says a watermark of 60 ms before its own. */
static int64_t time_of(int64_t i) { return 10000 + 10 * i - (i * 7919 % 16) * 10; }

static tr_code read_gated(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			  enum tr_read *result, struct tr_status *st)
{
	uint32_t n = 0;

	for (; r->position < atomic_load(&gate) && r->position < r->limit && n < r->rows_max && n < 37; n++)
		add(r, out, r->position % 7, r->position, time_of(r->position));
	r->wake_ms = 1;
	*result = r->position == RESTORED_ROWS ? TR_READ_END : n == 0 ? TR_READ_WAIT : TR_READ_MORE;
	return TR_OK;
}

static tr_code tenth_says(void *own, const struct tr_row *row, int64_t time_ms, int64_t *watermark_ms,
			  struct tr_status *st)
{
	if (tr_row_i64(row, 1) % 10 == 0)
		*watermark_ms = time_ms - 60;
	return TR_OK;
}

static struct tr_env *make_restored(uint32_t place, uint32_t parallelism, const char *directory,
				    struct tr_collected **out)
{
	static const struct tr_watermark_generator says = {.struct_size = sizeof(says), .on_row = tenth_says};
	const struct tr_watermark_strategy w =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .out_of_orderness_ms = place % 2 ? 60 : 0,
			.generator = place % 2 ? NULL : &says);
	const struct tr_source_function function = TR_MAKE(tr_source_function, .split_count = 1, .read = read_gated);
	struct tr_env *env = api_env((const char *const[]){"1", "2", "3"}[parallelism - 1]);
	struct tr_stream *stream;

	tr_env_set(env, "execution.checkpointing.interval", "20 ms");
	tr_env_set(env, "execution.checkpointing.dir", directory);
	tr_env_set(env, "engine.batch-rows", "100");
	tr_env_set(env, "pipeline.auto-watermark-interval", "0 ms");
	stream = tr_env_from_source(env, "rows", API_COLUMNS, &function, place < 2 ? &w : NULL);
	if (place >= 2)
		stream = tr_stream_parallelism(tr_stream_assign_watermarks(tr_stream_global(stream), &w), 1);
	*out = tr_stream_collect(tr_stream_window_aggregate(tr_stream_key_by(stream, "k"), tr_windows_tumbling(50),
							    "COUNT(*) AS n, SUM(v) AS v"));
	return env;
}

/** What windows of 50 ms hold, by a model that goes row by row; sorted lines. */
static char *expected_windows(uint32_t place)
{
	static int64_t n[7][1000], sum[7][1000];
	int64_t watermark = TR_WATERMARK_MIN;
	char *lines[7000], *text = calloc(1, 1 << 20);
	size_t count = 0, at = 0;

	memset(n, 0, sizeof(n));
	memset(sum, 0, sizeof(sum));
	for (int64_t i = 0; i < RESTORED_ROWS; i++) {
		const int64_t t = time_of(i), window = (t - 9500) / 50;

		if (9500 + 50 * window + 49 > watermark) {
			n[i % 7][window]++;
			sum[i % 7][window] += i;
		}
		if (place % 2)
			watermark = TR_MAX(watermark, t - 61);
		else if (i % 10 == 0)
			watermark = TR_MAX(watermark, t - 60);
	}
	for (int k = 0; k < 7; k++)
		for (int w = 0; w < 1000; w++)
			if (n[k][w] > 0)
				assert_true(asprintf(&lines[count++], "%d,%d,%d,%d,%lld,%lld", k, 9500 + 50 * w,
						     9550 + 50 * w, 9549 + 50 * w, (long long)n[k][w],
						     (long long)sum[k][w]) > 0);
	qsort(lines, count, sizeof(*lines), api_compare);
	for (size_t i = 0; i < count; i++) {
		at += (size_t)sprintf(text + at, "%s\n", lines[i]);
		free(lines[i]);
	}
	return text;
}

/** Lines of both, sorted. */
static char *both(const char *a, const char *b)
{
	char *all, *lines[7000], *text, *next;
	size_t count = 0, at = 0;

	assert_true(asprintf(&all, "%s%s", a, b) >= 0);
	text = calloc(1, strlen(all) + 1);
	for (char *line = strtok_r(all, "\n", &next); line != NULL; line = strtok_r(NULL, "\n", &next))
		lines[count++] = line;
	qsort(lines, count, sizeof(*lines), api_compare);
	for (size_t i = 0; i < count; i++)
		at += (size_t)sprintf(text + at, "%s\n", lines[i]);
	free(all);
	return text;
}

static void restore_case(uint32_t place, uint32_t before, uint32_t after)
{
	char directory[64] = "/tmp/tailrace-watermarks-XXXXXX", first[96], second[96], savepoint[96], command[128];
	char *expected = expected_windows(place), *one, *two, *all;
	struct tr_collected *out;
	struct tr_job_metrics metrics;
	struct tr_status st = {0};
	struct tr_env *env;
	struct tr_job *job;

	assert_non_null(mkdtemp(directory));
	snprintf(first, sizeof(first), "%s/first", directory);
	snprintf(second, sizeof(second), "%s/second", directory);
	snprintf(savepoint, sizeof(savepoint), "%s/savepoint", directory);
	atomic_store(&gate, RESTORED_ROWS / 2 + 3);
	env = make_restored(place, before, first, &out);
	if (tr_env_execute_async(env, "job", &job, &st) != TR_OK)
		fail_msg("%s", st.message);
	do {
		usleep(1000);
		tr_job_metrics(job, &metrics);
	} while (metrics.rows_in < RESTORED_ROWS / 2 + 3 && tr_job_state(job) == TR_JOB_RUNNING);
	if (tr_job_stop(job, savepoint, false, &st) != TR_OK || tr_job_wait(job, &st) != TR_OK)
		fail_msg("%s", st.message);
	tr_job_destroy(&job);
	one = api_text(out, false);
	tr_env_destroy(&env);
	atomic_store(&gate, RESTORED_ROWS);
	env = make_restored(place, after, second, &out);
	tr_env_restore(env, savepoint, false);
	if (tr_env_execute(env, "job", &st) != TR_OK)
		fail_msg("%s", st.message);
	two = api_text(out, false);
	tr_env_destroy(&env);
	all = both(one, two);
	assert_string_equal(all, expected);
	free(all);
	free(one);
	free(two);
	free(expected);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
}

static void test_restore(void **state)
{
	static const uint32_t counts[][2] = {{1, 3}, {3, 1}, {2, 2}, {2, 3}};

	for (uint32_t place = 0; place < 4; place++)
		restore_case(place, counts[place][0], counts[place][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_while_waiting), cmocka_unit_test(test_idle_split),
		cmocka_unit_test(test_idle_subtask),      cmocka_unit_test(test_said_is_active),
		cmocka_unit_test(test_periodic),          cmocka_unit_test(test_least_of_splits),
		cmocka_unit_test(test_alignment),         cmocka_unit_test(test_alignment_of_splits),
		cmocka_unit_test(test_restore),           cmocka_unit_test(test_alignment_with_checkpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
