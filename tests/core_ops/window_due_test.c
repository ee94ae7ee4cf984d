/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of an end and a key against an array: pushed at random, taken up to a time that only grows; all in memory, and with most of
 * them in a file.
 */
#include "tr_test.h"

#include <unistd.h>

#include "base/environment.h"
#include "core/ops/window_due.h"

#define PAIRS_MAX 200000

struct world {
	struct tr_window_due due;
	struct tr_window_taken taken;
	struct tr_io_queue *queue;
	uint64_t random;
	int64_t ends[PAIRS_MAX]; /* by key; INT64_MIN: it is not there */
	uint32_t count, there;
	int64_t now;
	uint32_t blocked;
	size_t limit, memory_max;
};

static void push_some(struct world *w, uint32_t count, int64_t span)
{
	struct tr_status st = {0};

	while (tr_window_due_poll(&w->due, &st) == TR_FLOW_BLOCKED)
		(void)tr_io_wait(w->queue, -1);
	assert_int_equal(st.code, TR_OK);
	for (; count > 0 && w->count < PAIRS_MAX; count--) {
		char text[64];
		const int length = snprintf(text, sizeof(text), "%u%*s", w->count, (int)(w->count % 29), "");
		const struct tr_table_key key = {text, (uint32_t)length, w->count * 7};

		w->ends[w->count] = w->now + 1 + (int64_t)tr_test_below(&w->random, (uint32_t)span);
		tr_window_due_push(&w->due, w->ends[w->count++], &key);
		w->there++;
	}
}

/** Takes all pairs up to `until`; each must be there, no later one before an earlier one. */
static void take_until(struct world *w, int64_t until)
{
	struct tr_status st = {0};
	int64_t before = INT64_MIN;

	tr_window_taken_clear(&w->taken);
	while (tr_window_due_next(&w->due) <= until && w->there > 0) {
		enum tr_flow flow;

		while ((flow = tr_window_due_settle(&w->due, &st)) == TR_FLOW_BLOCKED) {
			w->blocked++;
			(void)tr_io_wait(w->queue, -1);
		}
		assert_int_equal(flow, TR_FLOW_MORE);
		w->memory_max =
			tr_window_due_memory(&w->due) > w->memory_max ? tr_window_due_memory(&w->due) : w->memory_max;
		if (tr_window_due_next(&w->due) > until)
			break;
		tr_window_due_take(&w->due, &w->taken);
		w->there--;
	}
	tr_window_taken_show(&w->taken);
	for (uint32_t i = 0; i < w->taken.count; i++) {
		char text[64] = {0};
		uint32_t n;

		memcpy(text, w->taken.keys[i].bytes, w->taken.keys[i].length);
		n = (uint32_t)strtoul(text, NULL, 10);
		assert_int_equal(w->taken.keys[i].length, strlen(text));
		assert_int_equal(w->taken.keys[i].partition, n * 7);
		assert_true(w->taken.ends[i] == w->ends[n] && w->ends[n] <= until && w->ends[n] >= before);
		before = w->ends[n];
		w->ends[n] = INT64_MIN;
	}
	for (uint32_t n = 0; n < w->count; n++)
		assert_true(w->ends[n] == INT64_MIN || w->ends[n] > until);
	w->now = until;
}

static void run(struct world *w, uint32_t rounds)
{
	static const int64_t spans[] = {1, 40, 5000, 3000000};

	for (uint32_t r = 0; r < rounds; r++) {
		push_some(w, tr_test_below(&w->random, 4000), spans[tr_test_below(&w->random, 4)]);
		if (tr_test_below(&w->random, 3) == 0)
			take_until(w, w->now + (int64_t)tr_test_below(&w->random, 200000));
	}
	take_until(w, INT64_MAX - 1);
	assert_int_equal(w->there, 0);
	assert_true(tr_window_due_next(&w->due) == INT64_MAX);
	tr_window_due_deinit(&w->due);
	tr_window_taken_deinit(&w->taken);
}

static void in_memory(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->random = 3;
	run(w, 60);
	free(w);
}

static void in_a_file(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct tr_environment *env;
	char path[] = "/tmp/window_due_test_XXXXXX";

	assert_true(mkstemp(path) >= 0);
	assert_int_equal(tr_environment_real_create(&env, NULL), TR_OK);
	assert_int_equal(env->disk->ops->queue_create(env->disk, 64, &w->queue, NULL), TR_OK);
	w->random = 4;
	w->limit = (size_t)512 << 10;
	assert_int_equal(tr_window_due_set_limit(&w->due, w->queue, path, w->limit, NULL), TR_OK);
	run(w, 60);
	assert_true(w->blocked > 0);
	assert_true(w->memory_max < w->limit * 3); /* with buffers of both directions */
	assert_int_not_equal(access(path, F_OK), 0);
	env->disk->ops->queue_destroy(env->disk, &w->queue);
	tr_environment_real_destroy(&env);
	free(w);
}

/** A limit that is always passed: the bucket from which pairs are taken is empty again and again while others spill. */
static void always_over(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct tr_environment *env;
	char path[] = "/tmp/window_due_test_XXXXXX";

	assert_true(mkstemp(path) >= 0);
	assert_int_equal(tr_environment_real_create(&env, NULL), TR_OK);
	assert_int_equal(env->disk->ops->queue_create(env->disk, 64, &w->queue, NULL), TR_OK);
	w->random = 6;
	assert_int_equal(tr_window_due_set_limit(&w->due, w->queue, path, 8192, NULL), TR_OK);
	for (uint32_t i = 0; i < 300; i++) {
		push_some(w, 1 + tr_test_below(&w->random, 20), 50);
		take_until(w, w->now + (int64_t)tr_test_below(&w->random, 60));
	}
	run(w, 0);
	env->disk->ops->queue_destroy(env->disk, &w->queue);
	tr_environment_real_destroy(&env);
	free(w);
}

/** It ends with pairs in memory, in the file and on their way. */
static void given_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct tr_environment *env;
	struct tr_status st = {0};
	char path[] = "/tmp/window_due_test_XXXXXX";

	assert_true(mkstemp(path) >= 0);
	assert_int_equal(tr_environment_real_create(&env, NULL), TR_OK);
	assert_int_equal(env->disk->ops->queue_create(env->disk, 64, &w->queue, NULL), TR_OK);
	w->random = 5;
	assert_int_equal(tr_window_due_set_limit(&w->due, w->queue, path, (size_t)128 << 10, NULL), TR_OK);
	for (uint32_t i = 0; i < 10; i++)
		push_some(w, 3000, 1000000);
	while (tr_window_due_settle(&w->due, &st) != TR_FLOW_BLOCKED)
		tr_window_due_take(&w->due, &w->taken);
	tr_window_due_deinit(&w->due);
	tr_window_taken_deinit(&w->taken);
	env->disk->ops->queue_destroy(env->disk, &w->queue);
	tr_environment_real_destroy(&env);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_memory),
		cmocka_unit_test(in_a_file),
		cmocka_unit_test(always_over),
		cmocka_unit_test(given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
