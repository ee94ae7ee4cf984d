/* SPDX-License-Identifier: Apache-2.0
 *
 * What every unit test includes: cmocka in the order it wants, and a small deterministic generator of random numbers
 * (splitmix64), so that a test that fails once fails always.
 */
#ifndef TR_TEST_H
#define TR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline uint64_t tr_test_random(uint64_t *seed)
{
	uint64_t x = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/** A number in [0, limit). */
static inline uint32_t tr_test_below(uint64_t *seed, uint32_t limit)
{
	return (uint32_t)(tr_test_random(seed) % limit);
}

/** A number from the environment, or `fallback`. */
static inline uint64_t tr_test_number(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : fallback;
}

/** How many generated cases to run: `full`, or TAILRACE_TEST_PERCENT of it (at least one), or TAILRACE_TEST_CASES. */
static inline uint64_t tr_test_cases(uint64_t full)
{
	uint64_t part = full * tr_test_number("TAILRACE_TEST_PERCENT", 100) / 100;

	return tr_test_number("TAILRACE_TEST_CASES", part > 0 ? part : 1);
}

#endif
