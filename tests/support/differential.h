/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests that run generated queries and compare them with what a model or another program answers: random numbers of their
 * own, and the comparison of lines, which prints what is needed to repeat a failure. Include it in one .c file.
 *
 * TAILRACE_TEST_SEED chooses another seed, TAILRACE_TEST_CASES another number of queries.
 */
#ifndef TR_TESTS_SUPPORT_DIFFERENTIAL_H
#define TR_TESTS_SUPPORT_DIFFERENTIAL_H

#include <inttypes.h>

#include "run_sql.h"
#include "tr_test.h"

static uint64_t random_state;

static uint64_t draw(uint64_t limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (random_state >> 33) % limit;
}

/** What is expected of a query: lines as run_sql gives them. */
struct expected {
	const char *script; /* for people */
	uint64_t seed;
	int number; /* of the query */
	char **lines;
	size_t count;
};

static inline void expected_free(struct expected *want)
{
	for (size_t i = 0; i < want->count; i++)
		free(want->lines[i]);
	free(want->lines);
}

/** Fails, and says for which query and settings, as run_sql takes them. */
static inline void expected_fail(const struct expected *want, const char *const *settings)
{
	print_error("seed %" PRIu64 ", query %d", want->seed, want->number);
	for (; settings[0] != NULL; settings += 2)
		print_error(", %s %s", settings[0], settings[1]);
	print_error("\n%s\n", want->script);
	fail();
}

/** The query has not failed, and has the expected lines. */
static inline void expected_compare(const struct expected *want, const struct run_result *got,
				    const char *const *settings)
{
	size_t i = 0;

	while (got->code == TR_OK && i < got->count && i < want->count && strcmp(got->lines[i], want->lines[i]) == 0)
		i++;
	if (got->code == TR_OK && i == got->count && i == want->count)
		return;
	print_error("%s\n%zu rows, expected %zu\n", got->code != TR_OK ? got->message : "", got->count, want->count);
	print_error("line %zu: got      %s\n         expected %s\n", i, i < got->count ? got->lines[i] : "-",
		    i < want->count ? want->lines[i] : "-");
	expected_fail(want, settings);
}

/** Runs the script on 1, 2, 3 and 8 workers with batches of 2,048, 7, 1 and 2,048 rows, and compares each result. `option` has another of
 * `values` each time; NULL: there is none. */
static inline void expected_check(const struct expected *want, const char *script, const char *option,
				  const char *const values[4])
{
	static const char *const parallelisms[] = {"1", "2", "3", "8"};
	static const char *const batches[] = {"2048", "7", "1", "2048"};

	for (size_t p = 0; p < TR_COUNT_OF(parallelisms); p++) {
		const char *settings[] = {"parallelism.default",
					  parallelisms[p],
					  "engine.batch-rows",
					  batches[p],
					  option,
					  option != NULL ? values[p] : NULL,
					  NULL};
		struct run_result got = run_sql(script, settings);

		expected_compare(want, &got, settings);
		run_free(&got);
	}
}

#endif
