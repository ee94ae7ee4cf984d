/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels of window aggregation: plain loops that the compiler vectorises.
 */
#include "core/ops/window_kernel.h"

static void range(const int64_t *restrict times, uint32_t count, struct tr_window_range *out)
{
	int64_t least = times[0], greatest = times[0];
	uint64_t descents = 0;

	for (uint32_t i = 1; i < count; i++) {
		least = times[i] < least ? times[i] : least;
		greatest = times[i] > greatest ? times[i] : greatest;
		descents += times[i] < times[i - 1];
	}
	out->least = least;
	out->greatest = greatest;
	out->descents = descents;
}

static void gather(const int64_t *restrict values, const uint32_t *restrict rows, uint32_t count,
		   int64_t *restrict out)
{
	for (uint32_t i = 0; i < count; i++)
		out[i] = values[rows[i]];
}

/* Division by multiplication in doubles: exact after a correction by one, for distances below 2^52. */
static void slices(const int64_t *restrict times, uint32_t count, int64_t base, int64_t slice_ms,
		   uint32_t *restrict out)
{
	const double factor = 1.0 / (double)slice_ms;

	for (uint32_t i = 0; i < count; i++) {
		const int64_t distance = times[i] - base;
		int64_t n = (int32_t)((double)distance * factor);
		const int64_t rest = distance - n * slice_ms;

		n += rest >= slice_ms;
		n -= rest < 0;
		out[i] = (uint32_t)n;
	}
}

const struct tr_window_kernels TR_ISA(tr_window_kernels) = {
	.range = range,
	.gather = gather,
	.slices = slices,
};
