/* SPDX-License-Identifier: Apache-2.0
 *
 * Broadcast state: rules that all subtasks have beside a keyed or unkeyed stream. Who may change it, going through all keys, restoring
 * with other numbers of subtasks; one test for each of Flink's restrictions. What is expected comes from loops over both inputs.
 */
#include "api_test.h"

#include <stdatomic.h>
#include <unistd.h>

#define ACTIONS 800
#define RULES 60
#define KEYS 11

static const char *const SUBTASKS[] = {"1", "2", "3"};
static const char *const BATCHES[] = {"1", "7", "2048"};

static int64_t actions[ACTIONS][3]; /* key, value, time */
static int64_t rules[RULES][3];     /* number of the rule, its limit from then on (0: it is gone), time */
static struct tr_owned_batch *owned[2];

static int make_rows(void **state)
{
	for (int64_t i = 0; i < ACTIONS; i++) {
		actions[i][0] = (i * 7919) % KEYS;
		actions[i][1] = (i * 104729) % 1000;
		actions[i][2] = i * 10;
	}
	for (int64_t i = 0; i < RULES; i++) {
		rules[i][0] = i % 7;
		rules[i][1] = i % 5 == 4 ? 0 : (i * 611953) % 1000 + 1;
		rules[i][2] = i * 127;
	}
	owned[0] = api_rows((const int64_t(*)[3])actions, ACTIONS);
	owned[1] = api_rows((const int64_t(*)[3])rules, RULES);
	return 0;
}

static int free_rows(void **state)
{
	tr_owned_batch_release(&owned[0]);
	tr_owned_batch_release(&owned[1]);
	return 0;
}

static struct tr_stream *source(struct tr_env *env, uint32_t side)
{
	const struct tr_batch *batches[] = {tr_owned_batch_get(owned[side])};

	return tr_env_from_batches(env, side == 0 ? "actions" : "rules", API_COLUMNS, batches, 1, API_WATERMARKS);
}

static char lines[ACTIONS + 8 * RULES][64];

static void expect_text(const char *text, uint32_t count)
{
	char *expected = api_sorted(lines, count);

	assert_string_equal(text, expected);
	free(expected);
}

/* Each action sets a timer for its time; when that comes all rules up to then are known on its subtask, and it tells how many
 * limits its value reaches. The state has all versions of a rule, as the sides are not in step: by number, and time from the greatest. */

struct own {
	struct tr_broadcast_state *rules;
	struct tr_map_state *values; /* by time */
};

static void version_key(char key[16], int64_t rule, int64_t time_ms)
{
	const uint64_t numbers[2] = {__builtin_bswap64((uint64_t)rule), __builtin_bswap64(~(uint64_t)time_ms)};

	memcpy(key, numbers, 16);
}

static tr_code open_keyed(struct tr_context *context, struct tr_status *st)
{
	struct own *own = calloc(1, sizeof(*own));

	own->rules = tr_broadcast_state_create(
		context, &TR_MAKE(tr_state_descriptor, .name = "rules", .value_bytes = 8, .version = 3));
	own->values = tr_map_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "values", .value_bytes = 8));
	tr_context_set_own(context, own);
	return TR_OK;
}

static void close_own(struct tr_context *context) { free(tr_context_own(context)); }

static tr_code action_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			  struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	const int64_t value = tr_row_i64(row, 1), time_ms = tr_row_i64(row, 2);

	tr_map_state_put(own->values, &time_ms, 8, &value, 8);
	tr_timer_set_event_time(context, time_ms);
	return TR_OK;
}

static tr_code rule_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	const int64_t limit = tr_row_i64(row, 1);
	uint32_t length;
	char key[16];

	assert_int_equal(tr_context_timestamp(context), tr_row_i64(row, 2));
	version_key(key, tr_row_i64(row, 0), tr_row_i64(row, 2));
	assert_null(tr_broadcast_state_get(own->rules, key, 16, &length));
	tr_broadcast_state_put(own->rules, "for a moment", 12, &limit, 8);
	tr_broadcast_state_put(own->rules, key, 16, &limit, 8);
	tr_broadcast_state_remove(own->rules, "for a moment", 12);
	assert_memory_equal(tr_broadcast_state_get(own->rules, key, 16, &length), &limit, 8);
	assert_int_equal(length, 8);
	return TR_OK;
}

static tr_code rule_batch(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			  struct tr_status *st)
{
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		tr_context_choose(context, i);
		TR_TRY(rule_row(context, &row, out, st));
	}
	return TR_OK;
}

static tr_code action_timer(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			    struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	const struct tr_row key = tr_context_key(context);
	int64_t value, limit, reached = 0;
	const void *next, *bytes;
	uint32_t next_length, length;
	char from[16];

	memcpy(&value, tr_map_state_get(own->values, &timer->time_ms, 8, NULL), 8);
	tr_map_state_remove(own->values, &timer->time_ms, 8);
	for (int64_t rule = 0; rule < 7; rule++) { /* the newest version that is not newer than the timer */
		version_key(from, rule, timer->time_ms + 1);
		if (!tr_broadcast_state_next(own->rules, from, 16, &next, &next_length, &bytes, &length))
			continue;
		version_key(from, rule, 0);
		if (memcmp(next, from, 8) != 0)
			continue;
		memcpy(&limit, bytes, 8);
		reached += limit != 0 && value >= limit;
	}
	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, timer->time_ms);
	tr_collector_set_i64(out, 2, reached);
	tr_collector_add(out);
	return TR_OK;
}

static uint32_t action_lines(void)
{
	for (uint32_t i = 0; i < ACTIONS; i++) {
		int64_t limits[7] = {0}, reached = 0;

		for (uint32_t r = 0; r < RULES && rules[r][2] <= actions[i][2]; r++)
			limits[rules[r][0]] = rules[r][1];
		for (uint32_t n = 0; n < 7; n++)
			reached += limits[n] != 0 && actions[i][1] >= limits[n];
		sprintf(lines[i], "%lld,%lld,%lld", (long long)actions[i][0], (long long)actions[i][2],
			(long long)reached);
	}
	return ACTIONS;
}

#define REACHED "k BIGINT, ts TIMESTAMP(3), n BIGINT"

static void test_keyed(void **state)
{
	const uint32_t count = action_lines();

	for (uint32_t i = 0; i < 18; i++) {
		struct tr_co_function function = TR_MAKE(tr_co_function, .open = open_keyed, .on_left_row = action_row,
							 .on_timer = action_timer, .close = close_own);
		struct tr_env *env = api_env(SUBTASKS[i % 3]);
		struct tr_stream *left;
		struct tr_collected *out;

		if (i < 9)
			function.on_right_row = rule_row;
		else
			function.on_right_batch = rule_batch;
		tr_env_set(env, "engine.batch-rows", BATCHES[i / 3 % 3]);
		left = tr_stream_key_by(source(env, 0), "k");
		out = tr_stream_collect(tr_stream_connect_broadcast(left, source(env, 1), REACHED, &function));
		if (i == 2) {
			const char *text = tr_env_explain(env, false, NULL);

			assert_non_null(strstr(text, "KeyedBroadcastProcess("));
			assert_non_null(strstr(text, "Exchange(distribution=[broadcast])"));
			assert_non_null(strstr(text, "Exchange(distribution=[hash[k]])"));
		}
		api_run(env);
		api_expect_lines(out, lines, count);
		tr_env_destroy(&env);
	}
}

/* Without keys: rules by number, the last version; at the end each subtask tells all it has. */

static tr_code open_plain(struct tr_context *context, struct tr_status *st)
{
	struct own *own = calloc(1, sizeof(*own));

	own->rules = tr_broadcast_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "last"));
	tr_context_set_own(context, own);
	return TR_OK;
}

static tr_code pass_action(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			   struct tr_status *st)
{
	return TR_OK;
}

static tr_code last_rule(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			 struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	char key[16], text[64];
	const uint32_t key_length = (uint32_t)sprintf(key, "%lld", (long long)tr_row_i64(row, 0));
	const uint32_t length = (uint32_t)sprintf(text, "from %lld on %lld", (long long)tr_row_i64(row, 2),
						  (long long)tr_row_i64(row, 1));

	if (tr_row_i64(row, 1) == 0)
		tr_broadcast_state_remove(own->rules, key, key_length);
	else
		tr_broadcast_state_put(own->rules, key, key_length, text, length);
	return TR_OK;
}

static tr_code tell_rules(struct tr_context *context, struct tr_collector *out, struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	const void *key = NULL, *bytes;
	uint32_t key_length = 0, length;

	while (tr_broadcast_state_next(own->rules, key, key_length, &key, &key_length, &bytes, &length)) {
		tr_collector_set_i64(out, 0, tr_context_subtask(context));
		tr_collector_set_text(out, 1, key, key_length);
		tr_collector_set_text(out, 2, bytes, length);
		tr_collector_add(out);
	}
	return TR_OK;
}

static const struct tr_co_function PLAIN = {.struct_size = sizeof(struct tr_co_function),
					    .open = open_plain,
					    .on_left_batch = pass_action,
					    .on_right_row = last_rule,
					    .on_end = tell_rules,
					    .close = close_own};

static uint32_t rule_lines(uint32_t subtasks)
{
	int64_t last[7][2] = {{0}};
	uint32_t count = 0;

	for (uint32_t r = 0; r < RULES; r++) {
		last[rules[r][0]][0] = rules[r][1];
		last[rules[r][0]][1] = rules[r][2];
	}
	for (uint32_t s = 0; s < subtasks; s++)
		for (uint32_t n = 0; n < 7; n++)
			if (last[n][0] != 0)
				sprintf(lines[count++], "%u,%u,from %lld on %lld", s, n, (long long)last[n][1],
					(long long)last[n][0]);
	return count;
}

static void test_without_keys(void **state)
{
	for (uint32_t i = 0; i < 9; i++) {
		struct tr_env *env = api_env("1");
		struct tr_stream *told;
		struct tr_collected *out;

		tr_env_set(env, "engine.batch-rows", BATCHES[i / 3]);
		told = tr_stream_connect_broadcast(source(env, 0), source(env, 1),
						   "subtask INT, id STRING, rule STRING", &PLAIN);
		out = tr_stream_collect(tr_stream_parallelism(told, i % 3 + 1));
		api_run(env);
		api_expect_lines(out, lines, rule_lines(i % 3 + 1));
		tr_env_destroy(&env);
	}
}

/* Stopped in the middle, and restored with other numbers of subtasks. The rules stand at their end, the actions halfway. */

static _Atomic int64_t gate;

static tr_code read_side(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			 enum tr_read *result, struct tr_status *st)
{
	const bool is_left = user == actions;
	const int64_t(*rows)[3] = user;
	const int64_t all = is_left ? ACTIONS : RULES, open = is_left ? TR_MIN(atomic_load(&gate), all) : all;
	uint32_t n = 0;

	for (; r->position < open && r->position < r->limit && n < r->rows_max; n++) {
		for (uint32_t c = 0; c < 3; c++)
			tr_collector_set_i64(out, c, rows[r->position][c]);
		tr_collector_add(out);
		r->watermark_ms = rows[r->position++][2] - 1;
	}
	r->wake_ms = 1;
	*result = r->position == all ? TR_READ_END : n == 0 ? TR_READ_WAIT : TR_READ_MORE;
	return TR_OK;
}

static struct tr_collected *make(struct tr_env *env, const char *directory, bool is_keyed, uint32_t parallelism)
{
	const struct tr_source_function sides[2] = {
		TR_MAKE(tr_source_function, .user = actions, .split_count = 1, .has_watermarks = true,
			.read = read_side),
		TR_MAKE(tr_source_function, .user = rules, .split_count = 1, .has_watermarks = true, .read = read_side),
	};
	const struct tr_co_function keyed =
		TR_MAKE(tr_co_function, .open = open_keyed, .on_left_row = action_row, .on_right_row = rule_row,
			.on_timer = action_timer, .close = close_own);
	struct tr_stream *left, *right, *result;

	tr_env_set(env, "execution.checkpointing.dir", directory);
	tr_env_set(env, "execution.checkpointing.interval", "1 h");
	left = tr_env_from_source(env, "actions", API_COLUMNS, &sides[0], API_WATERMARKS);
	right = tr_env_from_source(env, "rules", API_COLUMNS, &sides[1], API_WATERMARKS);
	result = is_keyed ? tr_stream_connect_broadcast(tr_stream_key_by(left, "k"), right, REACHED, &keyed)
			  : tr_stream_connect_broadcast(left, right, "subtask INT, id STRING, rule STRING", &PLAIN);
	return tr_stream_collect(tr_stream_parallelism(result, parallelism));
}

static void test_restore(void **state)
{
	static const uint32_t counts[][2] = {{1, 3}, {3, 2}, {2, 1}, {2, 3}};

	for (size_t i = 0; i < 2 * TR_COUNT_OF(counts); i++) {
		const bool is_keyed = i < TR_COUNT_OF(counts);
		const uint32_t *subtasks = counts[i % TR_COUNT_OF(counts)];
		char directory[64] = "/tmp/tailrace-broadcast-XXXXXX", savepoint[96], command[96];
		struct tr_env *env = api_env("1");
		struct tr_collected *out;
		struct tr_job_metrics metrics;
		struct tr_status st = {0};
		struct tr_job *job;
		char *texts[2];

		assert_non_null(mkdtemp(directory));
		snprintf(savepoint, sizeof(savepoint), "%s/savepoint", directory);
		snprintf(command, sizeof(command), "rm -rf %s", directory);
		atomic_store(&gate, ACTIONS / 2);
		out = make(env, directory, is_keyed, subtasks[0]);
		if (tr_env_execute_async(env, "job", &job, &st) != TR_OK)
			fail_msg("%s", st.message);
		do {
			usleep(1000);
			tr_job_metrics(job, &metrics);
		} while (metrics.rows_in < ACTIONS / 2 + RULES && tr_job_state(job) == TR_JOB_RUNNING);
		if (tr_job_stop(job, savepoint, false, &st) != TR_OK || tr_job_wait(job, &st) != TR_OK)
			fail_msg("%s", st.message);
		tr_job_destroy(&job);
		texts[0] = api_text(out, false);
		tr_env_destroy(&env);
		atomic_store(&gate, ACTIONS);
		env = api_env("1");
		tr_env_restore(env, savepoint, false);
		out = make(env, strcat(directory, "/second"), is_keyed, subtasks[1]);
		api_run(env);
		texts[1] = api_text(out, false);
		tr_env_destroy(&env);
		if (is_keyed) { /* both runs' timers together are all of them, each once */
			uint32_t count = action_lines(), found = 0;

			for (uint32_t t = 0; t < 2; t++)
				for (const char *at = texts[t]; (at = strchr(at, '\n')) != NULL; at++)
					found++;
			assert_int_equal(found, count);
			for (uint32_t l = 0; l < count; l++) {
				strcat(lines[l], "\n");
				assert_true(strstr(texts[0], lines[l]) != NULL || strstr(texts[1], lines[l]) != NULL);
			}
		} else {
			assert_string_equal(texts[0], "");
			expect_text(texts[1], rule_lines(subtasks[1]));
		}
		free(texts[0]);
		free(texts[1]);
		assert_int_equal(system(command), 0);
	}
}

/* All keys of a subtask: the one row of the right side comes when all of the left have been counted. */

static _Atomic int64_t counted;

struct counts {
	struct tr_value_state *count;
	struct tr_list_state *values;
	struct tr_map_state *times;
	struct tr_value_state *text; /* of any length */
};

static tr_code open_counts(struct tr_context *context, struct tr_status *st)
{
	struct counts *c = calloc(1, sizeof(*c));

	c->count = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "count", .value_bytes = 8));
	c->values = tr_list_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "values"));
	c->times = tr_map_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "times"));
	c->text = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "text"));
	tr_context_set_own(context, c);
	return TR_OK;
}

static tr_code count_action(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			    struct tr_status *st)
{
	struct counts *c = tr_context_own(context);
	const int64_t value = tr_row_i64(row, 1), time_ms = tr_row_i64(row, 2);

	++*(int64_t *)tr_value_state_put(c->count);
	tr_list_state_add(c->values, &value, 8);
	tr_map_state_put(c->times, &time_ms, 8, &value, 8);
	tr_value_state_set_bytes(c->text, "some text", 9);
	atomic_fetch_add(&counted, 1);
	return TR_OK;
}

struct told {
	struct tr_collector *out;
	int64_t round;
};

static tr_code tell_key(struct tr_context *context, void *argument, struct tr_status *st)
{
	const struct told *told = argument;
	struct tr_collector *out = told->out;
	struct counts *c = tr_context_own(context);
	const struct tr_row key = tr_context_key(context);
	int64_t count, values = 0, value;
	const void *bytes;
	uint32_t length;
	uint64_t cursor = 0;

	memcpy(&count, tr_value_state_get(c->count), 8);
	while (tr_list_state_next(c->values, &cursor, &bytes, &length)) {
		memcpy(&value, bytes, 8);
		values += value;
	}
	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, told->round);
	tr_collector_set_i64(out, 2, count);
	tr_collector_set_i64(out, 3, values);
	tr_collector_add(out);
	*(int64_t *)tr_value_state_put(c->count) = count + 1000; /* states can be changed, too */
	return TR_OK;
}

static tr_code go_through(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			  struct tr_status *st)
{
	for (int64_t i = 0; i < 4; i++)
		TR_TRY(tr_context_for_each_key(context, tell_key, &(struct told){out, i}, st));
	return TR_OK;
}

static tr_code read_when_counted(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
				 enum tr_read *result, struct tr_status *st)
{
	r->wake_ms = 1;
	if (atomic_load(&counted) < ACTIONS) {
		*result = TR_READ_WAIT;
		return TR_OK;
	}
	tr_collector_set_i64(out, 0, 1);
	tr_collector_add(out);
	r->position++;
	*result = TR_READ_END;
	return TR_OK;
}

static void test_each_key(void **state)
{
	const struct tr_source_function rule = TR_MAKE(tr_source_function, .split_count = 1, .read = read_when_counted);
	const struct tr_co_function function = TR_MAKE(tr_co_function, .open = open_counts, .on_left_row = count_action,
						       .on_right_row = go_through, .close = close_own);

	for (uint32_t i = 0; i < 6; i++) {
		const bool has_text_keys = i >= 3;
		struct tr_env *env = api_env(SUBTASKS[i % 3]);
		struct tr_stream *left;
		struct tr_collected *out;
		uint32_t count = 0;

		atomic_store(&counted, 0);
		left = source(env, 0);
		if (has_text_keys)
			left = tr_stream_select(left, "CONCAT('the key ', CAST(k AS STRING)) AS k, v, ts");
		out = tr_stream_collect(tr_stream_connect_broadcast(
			tr_stream_key_by(left, "k"), tr_env_from_source(env, "rule", "go INT", &rule, NULL),
			has_text_keys ? "k STRING, i INT, n BIGINT, total BIGINT"
				      : "k BIGINT, i INT, n BIGINT, total BIGINT",
			&function));
		api_run(env);
		for (uint32_t k = 0; k < KEYS; k++) {
			int64_t n = 0, total = 0;

			for (uint32_t a = 0; a < ACTIONS; a++) {
				n += actions[a][0] == k;
				total += actions[a][0] == k ? actions[a][1] : 0;
			}
			for (uint32_t s = 0; s < 4; s++)
				sprintf(lines[count++], "%s%u,%u,%lld,%lld", has_text_keys ? "the key " : "", k, s,
					(long long)n + 1000 * s, (long long)total);
		}
		api_expect_lines(out, lines, count);
		tr_env_destroy(&env);
	}
}

/* What is refused. Each case is one callback that does what it may not. */

static enum wrong {
	CHANGE_ON_LEFT,
	CLEAR_IN_TIMER,
	STATE_ON_RIGHT,
	TIMER_ON_RIGHT,
	SIZE,
	TTL,
	TWICE,
	LATE,
	NO_BROADCAST,
	WRONG_COUNT
} wrong;

static tr_code open_wrong(struct tr_context *context, struct tr_status *st)
{
	struct own *own = calloc(1, sizeof(*own));

	tr_context_set_own(context, own);
	own->values = tr_map_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "values"));
	own->rules = tr_broadcast_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "rules", .value_bytes = 8,
								 .ttl_ms = wrong == TTL ? 1000 : 0));
	if (wrong == TWICE)
		tr_broadcast_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "rules"));
	return TR_OK;
}

static tr_code wrong_left(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			  struct tr_status *st)
{
	struct own *own = tr_context_own(context);

	tr_timer_set_event_time(context, tr_row_i64(row, 2));
	if (wrong == CHANGE_ON_LEFT)
		tr_broadcast_state_put(own->rules, "a", 1, "12345678", 8);
	if (wrong == LATE)
		tr_broadcast_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "late"));
	return TR_OK;
}

static tr_code wrong_right(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			   struct tr_status *st)
{
	struct own *own = tr_context_own(context);

	if (wrong == STATE_ON_RIGHT)
		tr_map_state_put(own->values, "a", 1, "b", 1);
	if (wrong == TIMER_ON_RIGHT)
		tr_timer_set_event_time(context, 5);
	if (wrong == SIZE)
		tr_broadcast_state_put(own->rules, "a", 1, "1234567", 7);
	return TR_OK;
}

static tr_code wrong_timer(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			   struct tr_status *st)
{
	struct own *own = tr_context_own(context);

	if (wrong == CLEAR_IN_TIMER)
		tr_broadcast_state_clear(own->rules);
	return TR_OK;
}

static void test_restrictions(void **state)
{
	static const char *const messages[WRONG_COUNT] = {
		[CHANGE_ON_LEFT] = "broadcast state 'rules' was changed outside of on_right_row and on_right_batch",
		[CLEAR_IN_TIMER] = "broadcast state 'rules' was changed outside of on_right_row and on_right_batch",
		[STATE_ON_RIGHT] = "the rows of the broadcast side have no key: no keyed state or timers",
		[TIMER_ON_RIGHT] = "the rows of the broadcast side have no key: no keyed state or timers",
		[SIZE] = "broadcast state 'rules': a value of 7 bytes; its values have 8",
		[TTL] = "broadcast state 'rules': broadcast states have no time to live",
		[TWICE] = "broadcast state 'rules': there are two broadcast states of one name",
		[LATE] = "broadcast state 'late': states are declared in open",
		[NO_BROADCAST] = "broadcast state needs a broadcast side (tr_stream_connect_broadcast)",
	};
	const struct tr_co_function function =
		TR_MAKE(tr_co_function, .open = open_wrong, .on_left_row = wrong_left, .on_right_row = wrong_right,
			.on_timer = wrong_timer, .close = close_own);

	for (wrong = 0; wrong < WRONG_COUNT; wrong++) {
		struct tr_env *env = api_env("2");
		struct tr_stream *left = tr_stream_key_by(source(env, 0), "k"), *right = source(env, 1);
		struct tr_status st = {0};

		tr_stream_collect(wrong == NO_BROADCAST ? tr_stream_connect_process(left, tr_stream_key_by(right, "k"),
										    "a INT", &function)
							: tr_stream_connect_broadcast(left, right, "a INT", &function));
		assert_int_equal(tr_env_execute(env, "test", &st), TR_ERR_USAGE);
		if (strstr(st.message, messages[wrong]) == NULL)
			fail_msg("'%s' is not in '%s'", messages[wrong], st.message);
		tr_env_destroy(&env);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keyed),    cmocka_unit_test(test_without_keys), cmocka_unit_test(test_restore),
		cmocka_unit_test(test_each_key), cmocka_unit_test(test_restrictions),
	};

	return cmocka_run_group_tests(tests, make_rows, free_rows);
}
