/* SPDX-License-Identifier: Apache-2.0
 *
 * Window operators save and load: random queries are run with interruptions (window_run.h), and must emit what the model
 * has; in processing time, what an undisturbed run emits.
 */
#include "window_checks.h"

static void tumble(void **state) { check_random(TR_WINDOW_TUMBLE, 500000, 60, 4); }
static void hop(void **state) { check_random(TR_WINDOW_HOP, 500000, 100, 4); }
static void cumulate(void **state) { check_random(TR_WINDOW_CUMULATE, 500000, 80, 4); }
static void session(void **state) { check_random(TR_WINDOW_SESSION, 500000, 60, 4); }

static void many_keys(void **state) { check_many_keys(4000); }

/** Windows of a time zone's wall clock. */
static void local_time(void **state)
{
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (uint64_t n = 0; n < TR_MAX(tr_test_cases(24), 4); n++) {
		static const enum tr_window_kind kinds[] = {TR_WINDOW_TUMBLE, TR_WINDOW_HOP, TR_WINDOW_CUMULATE,
							    TR_WINDOW_SESSION};
		struct world *w = world_create(77 + n);
		struct query q;

		w->in_types[TS] = tr_type_with_precision(&w->arena, TR_TYPE_TIMESTAMP_LTZ, 3);
		make_rows(w, 400, 1635642000000 - 4 * 3600000, 60000, n % 3 ? 3600000 : 0, 600000, 12);
		make_query(w, &q, kinds[n % 4], false);
		q.window.is_local_time = true;
		q.window.time_zone = "Europe/Berlin";
		q.window.step_ms = 1800000;
		q.window.size_ms = 1800000 * (n % 4 == 1 || n % 4 == 2 ? 4 : 1);
		q.types[q.output.column_count - 1] = tr_type_with_precision(&w->arena, TR_TYPE_TIMESTAMP_LTZ, 3);
		check_all(w, &q);
		world_destroy(w);
	}
	unsetenv("TZ");
	tzset();
}

/** Windows by the clock: what was due when the run was interrupted fires before the next row. */
static void processing_time(void **state)
{
	for (uint64_t n = 0; n < tr_test_cases(60); n++) {
		struct world *w = world_create(9000 + n);
		struct query q;
		struct run *plain, *cut;

		make_rows(w, 300, 5000, 20, 0, 1000000, 12);
		make_query(w, &q, (enum tr_window_kind)(n % 4), true);
		q.window.is_processing_time = true;
		q.window.time_column = -1;
		plain = run_create(w, &q, true, 0, false);
		run_through(plain, 0, 1);
		cut = run_create(w, &q, true, 0, n / 4 % 2);
		run_through(cut, 1 + (uint32_t)(n / 8 % 4), 1);
		qsort(plain->lines.lines, plain->lines.count, sizeof(char *), compare_lines);
		compare(&plain->lines, &cut->lines, 0, late_now(cut), "processing time");
		run_destroy(plain);
		run_destroy(cut);
		world_destroy(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tumble),          cmocka_unit_test(hop),       cmocka_unit_test(cumulate),
		cmocka_unit_test(session),         cmocka_unit_test(many_keys), cmocka_unit_test(local_time),
		cmocka_unit_test(processing_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
