/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries and rows that op_window_state_test and op_window_spill_test both run with interruptions.
 */
#ifndef TR_TESTS_WINDOW_CHECKS_H
#define TR_TESTS_WINDOW_CHECKS_H

#include "window_run.h"

/** `full` random queries of a kind, numbered from `seed` on; each `distinct_every`th may have DISTINCT. */
static inline void check_random(enum tr_window_kind kind, uint64_t seed, uint64_t full, uint64_t distinct_every)
{
	const uint64_t count = tr_test_cases(full), first = tr_test_number("TAILRACE_TEST_FIRST", 0);

	for (uint64_t n = first; n < first + count; n++) {
		struct world *w = world_create(seed + (uint64_t)kind * 1000003 + n);
		const int64_t disorder = tr_test_below(&w->seed, 3) == 0 ? 0 : 1 + tr_test_below(&w->seed, 800);
		const int64_t delay =
			tr_test_below(&w->seed, 2) ? tr_test_below(&w->seed, 20) : tr_test_below(&w->seed, 900);
		struct query q;

		if (getenv("TAILRACE_TEST_VERBOSE") != NULL)
			print_message("case %llu\n", (unsigned long long)n);
		make_rows(w, 50 + tr_test_below(&w->seed, 900), n % 2 ? -3000 : 1000000000000 + (int64_t)n,
			  1 + tr_test_below(&w->seed, 20), disorder, delay, n % 3 ? 12 : 200);
		make_query(w, &q, kind, n % distinct_every == 0);
		check_all(w, &q);
		world_destroy(w);
	}
}

/** Many keys, so that there are many records, slices of both forms, and results in several parts. */
static inline void check_many_keys(uint64_t seed)
{
	const uint64_t count = TR_MAX(tr_test_cases(12), 3);

	for (uint64_t n = 0; n < count; n++) {
		struct world *w = world_create(seed + n);
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

#endif
