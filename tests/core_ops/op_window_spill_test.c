/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows larger than memory: random queries are run with interruptions (window_run.h) by operators whose memory is limited, as a
 * rule, so that state leaves it at each batch or sometimes; restored with another limit, or none. They must emit what the model
 * has.
 */
#include "window_checks.h"

static void random_cases(enum tr_window_kind kind, uint64_t full)
{
	const uint32_t before = window_runs_spilled;

	check_random(kind, 900000, full, 3);
	assert_true(window_runs_spilled > before);
}

static void tumble(void **state) { random_cases(TR_WINDOW_TUMBLE, 40); }
static void hop(void **state) { random_cases(TR_WINDOW_HOP, 60); }
static void cumulate(void **state) { random_cases(TR_WINDOW_CUMULATE, 50); }

static void many_keys(void **state) { check_many_keys(8000); }

/** Windows by the clock. */
static void processing_time(void **state)
{
	for (uint64_t n = 0; n < tr_test_cases(30); n++) {
		struct tr_environment *env = window_run_env;
		struct world *w = world_create(19000 + n);
		struct query q;
		struct run *plain, *cut;

		make_rows(w, 300, 5000, 20, 0, 1000000, 12);
		make_query(w, &q, (enum tr_window_kind)(n % 3), true);
		q.window.is_processing_time = true;
		q.window.time_column = -1;
		window_run_env = NULL;
		plain = run_create(w, &q, true, 0, false);
		window_run_env = env;
		run_through(plain, 0, 1);
		cut = run_create(w, &q, true, 0, n / 3 % 2);
		run_through(cut, 1 + (uint32_t)(n / 6 % 4), 1);
		qsort(plain->lines.lines, plain->lines.count, sizeof(char *), compare_lines);
		compare(&plain->lines, &cut->lines, 0, late_now(cut), "processing time");
		run_destroy(plain);
		run_destroy(cut);
		world_destroy(w);
	}
}

static int set_up(void **state) { return tr_environment_real_create(&window_run_env, NULL) == TR_OK ? 0 : -1; }

static int tear_down(void **state)
{
	tr_environment_real_destroy(&window_run_env);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tumble),          cmocka_unit_test(hop),
		cmocka_unit_test(cumulate),        cmocka_unit_test(many_keys),
		cmocka_unit_test(processing_time),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
