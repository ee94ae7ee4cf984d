/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows larger than memory: random queries are run with interruptions (window_run.h) by operators whose memory is limited, as a
 * rule, so that state leaves it at each batch or sometimes; restored with another limit, or none. They must emit what the model
 * has.
 */
#include "window_run.h"

static void random_cases(enum tr_window_kind kind, uint64_t full)
{
	const uint64_t count = tr_test_cases(full), first = tr_test_number("TAILRACE_TEST_FIRST", 0);
	const uint32_t before = window_runs_spilled;

	for (uint64_t n = first; n < first + count; n++) {
		struct world *w = world_create(900000 + (uint64_t)kind * 1000003 + n);
		const int64_t disorder = tr_test_below(&w->seed, 3) == 0 ? 0 : 1 + tr_test_below(&w->seed, 800);
		const int64_t delay =
			tr_test_below(&w->seed, 2) ? tr_test_below(&w->seed, 20) : tr_test_below(&w->seed, 900);
		struct query q;

		if (getenv("TAILRACE_TEST_VERBOSE") != NULL)
			print_message("case %llu\n", (unsigned long long)n);
		make_rows(w, 50 + tr_test_below(&w->seed, 900), n % 2 ? -3000 : 1000000000000 + (int64_t)n,
			  1 + tr_test_below(&w->seed, 20), disorder, delay, n % 3 ? 12 : 200);
		make_query(w, &q, kind, n % 3 == 0);
		check_all(w, &q);
		world_destroy(w);
	}
	assert_true(window_runs_spilled > before);
}

static void tumble(void **state) { random_cases(TR_WINDOW_TUMBLE, 40); }
static void hop(void **state) { random_cases(TR_WINDOW_HOP, 60); }
static void cumulate(void **state) { random_cases(TR_WINDOW_CUMULATE, 50); }

/** Many keys, so that results come in several parts. */
static void many_keys(void **state)
{
	const uint64_t count = TR_MAX(tr_test_cases(12), 3);

	for (uint64_t n = 0; n < count; n++) {
		struct world *w = world_create(8000 + n);
		struct query q;

		make_rows(w, ROWS_MAX, 0, 2, n % 2 ? 300 : 0, 100, 1000000);
		make_query(w, &q,
			   n % 3 == 0   ? TR_WINDOW_TUMBLE
			   : n % 3 == 1 ? TR_WINDOW_HOP
					: TR_WINDOW_CUMULATE,
			   n % 4 == 3);
		q.window.offset_ms = 0;
		q.window.step_ms = 100;
		q.window.size_ms = n % 3 == 0 ? 500 : 1000;
		check_all(w, &q);
		world_destroy(w);
	}
}

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
