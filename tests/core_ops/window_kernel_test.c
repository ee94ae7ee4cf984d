/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of window aggregation against loops that divide, at all instruction sets.
 */
#include "tr_test.h"

#include "core/ops/window_kernel.h"
#include "support/lower_isa.h"

#define ROWS 1000

static void against_naive_loops(void **state)
{
	static const int64_t widths[] = {1, 3, 7, 100, 1000, 86400000, INT64_C(1) << 40};
	const struct tr_window_kernels *kernels = TR_ISA_PICK(tr_window_kernels);
	static int64_t times[ROWS], gathered[ROWS];
	static uint32_t rows[ROWS], numbers[ROWS], listed[ROWS + 16];
	uint64_t seed = 17;

	for (int turn = 0; turn < 500; turn++) {
		const int64_t width = widths[tr_test_below(&seed, 7)];
		const int64_t base = ((int64_t)tr_test_random(&seed) >> 8) / width * width;
		const uint32_t count = 1 + tr_test_below(&seed, ROWS), span = 1 + tr_test_below(&seed, 3000);
		const int64_t start = base + (int64_t)tr_test_below(&seed, span) * width;
		struct tr_window_range range;
		int64_t least = INT64_MAX, greatest = INT64_MIN;
		uint64_t descents = 0;
		uint32_t n = 0, kept = 0;

		for (uint32_t i = 0; i < count; i++) {
			const int64_t edge = (int64_t)tr_test_below(&seed, span) * width; /* first or last of a slice */

			times[i] = base +
				   (tr_test_below(&seed, 2) ? edge : edge + (int64_t)(tr_test_random(&seed) % width));
			if (tr_test_below(&seed, 4) == 0)
				times[i] = base + edge + width - 1;
			least = times[i] < least ? times[i] : least;
			greatest = times[i] > greatest ? times[i] : greatest;
			descents += i > 0 && times[i] < times[i - 1];
			if (tr_test_below(&seed, 3) == 0)
				rows[n++] = i;
		}
		kernels->range(times, count, &range);
		assert_true(range.least == least && range.greatest == greatest && range.descents == descents);
		kernels->gather(times, rows, n, gathered);
		for (uint32_t i = 0; i < n; i++)
			assert_true(gathered[i] == times[rows[i]]);
		kernels->slices(times, count, base, width, numbers);
		for (uint32_t i = 0; i < count; i++)
			assert_true(numbers[i] == (uint64_t)(times[i] - base) / (uint64_t)width);
		kernels->slices_at(times, rows, n, base, width, numbers);
		for (uint32_t i = 0; i < n; i++)
			assert_true(numbers[i] == (uint64_t)(times[rows[i]] - base) / (uint64_t)width);
		n = kernels->outside(times, count, start, width, listed);
		for (uint32_t i = 0; i < count; i++)
			if (times[i] < start || times[i] - start >= width)
				assert_int_equal(listed[kept++], i);
		assert_int_equal(n, kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_naive_loops),
		cmocka_unit_test(lower_instruction_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
