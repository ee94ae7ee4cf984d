/* SPDX-License-Identifier: Apache-2.0
 *
 * Drift: who may read how far, as Flink documents watermark alignment; one statement a test, with times of the test's own.
 */
#include "tr_test.h"

#include "core/drift.h"

#define MS INT64_C(1000000)

struct fixture {
	struct tr_arena arena;
	struct tr_drift_group *groups;
	struct tr_drift_member *a, *b, *other;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct tr_drift_spec spec = {.group = "g", .max_drift_ms = 100, .update_interval_ms = 10};
	const struct tr_drift_spec other = {.group = "h", .max_drift_ms = 100, .update_interval_ms = 10};

	tr_arena_init(&f->arena, 0);
	f->a = tr_drift_join(&f->groups, &f->arena, &spec, 2);
	f->b = tr_drift_join(&f->groups, &f->arena, &spec, 1);
	f->other = tr_drift_join(&f->groups, &f->arena, &other, 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tr_drift_deinit(&f->groups);
	tr_arena_deinit(&f->arena);
	free(f);
	return 0;
}

/** Until its first turn, an interval after it has begun, a source goes as far as it likes. */
static void test_first_interval(void **state)
{
	struct fixture *f = *state;

	assert_false(tr_drift_is_due(f->a, 1000 * MS));
	assert_false(tr_drift_is_due(f->a, 1009 * MS));
	assert_false(tr_drift_is_ahead(f->a, 1000000));
	assert_true(tr_drift_is_due(f->a, 1010 * MS));
}

/** Ahead is who is further than the group's least watermark and the drift, and only that; groups do not know of one another. */
static void test_drift(void **state)
{
	struct fixture *f = *state;

	(void)tr_drift_turn(f->b, 1000, MS);
	(void)tr_drift_turn(f->a, 5000, MS);
	assert_false(tr_drift_is_ahead(f->a, 1100));
	assert_true(tr_drift_is_ahead(f->a, 1101));
	(void)tr_drift_turn(f->b, 1000, 2 * MS);
	assert_false(tr_drift_is_ahead(f->b, 1000));
	(void)tr_drift_turn(f->other, 9000, MS);
	assert_false(tr_drift_is_ahead(f->other, 9100));
	assert_true(tr_drift_is_ahead(f->other, 9101));
}

/** A source that has said nothing yet holds the others back. */
static void test_silent(void **state)
{
	struct fixture *f = *state;

	(void)tr_drift_turn(f->a, 5000, MS);
	assert_true(tr_drift_is_ahead(f->a, 5000));
	assert_false(tr_drift_is_ahead(f->a, TR_WATERMARK_MIN));
}

/** An idle source (whose watermark is the greatest) and one that has ended do not count. */
static void test_idle_and_ended(void **state)
{
	struct fixture *f = *state;

	(void)tr_drift_turn(f->b, TR_WATERMARK_MAX, MS);
	(void)tr_drift_turn(f->a, 5000, MS);
	assert_false(tr_drift_is_ahead(f->a, 5100));
	assert_true(tr_drift_is_ahead(f->a, 5101));
	(void)tr_drift_turn(f->b, 1000, 2 * MS);
	(void)tr_drift_turn(f->a, 5000, 2 * MS);
	assert_true(tr_drift_is_ahead(f->a, 5000));
	tr_drift_leave(f->b);
	assert_true(tr_drift_turn(f->a, 5000, 3 * MS));
	assert_false(tr_drift_is_ahead(f->a, 5000));
	/* All of its subtasks must have ended. */
	(void)tr_drift_turn(f->other, 0, MS);
	tr_drift_leave(f->a);
	assert_int_equal(f->a->open_count, 1);
	(void)tr_drift_turn(f->a, 6000, 4 * MS);
	assert_int_equal(f->a->watermark_ms, 6000);
	tr_drift_leave(f->a);
	assert_int_equal(f->a->watermark_ms, TR_WATERMARK_MAX);
	/* All are idle: nobody waits. */
	assert_false(tr_drift_is_ahead(f->a, TR_WATERMARK_MAX));
}

/** A turn says whether the source may go further than before, and the next one comes an interval later. */
static void test_turns(void **state)
{
	struct fixture *f = *state;

	(void)tr_drift_turn(f->b, 1000, MS);
	(void)tr_drift_turn(f->a, 2000, MS);
	assert_false(tr_drift_is_due(f->a, 10 * MS));
	assert_true(tr_drift_is_due(f->a, 11 * MS));
	assert_false(tr_drift_turn(f->a, 2000, 11 * MS));
	(void)tr_drift_turn(f->b, 1500, 11 * MS);
	assert_true(tr_drift_is_ahead(f->a, 1600)); /* it has not looked yet */
	assert_true(tr_drift_turn(f->a, 2000, 21 * MS));
	assert_false(tr_drift_is_ahead(f->a, 1600));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_interval, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drift, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_idle_and_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
