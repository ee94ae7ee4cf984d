/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels of window aggregation: plain loops that the compiler vectorises, but for the list of
 * rows outside of a slice, which AVX-512 compresses.
 */
#include "core/ops/window_kernel.h"

#ifdef __AVX512VL__
#include <immintrin.h>
#endif

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

static void gather(const int64_t *restrict values, const uint32_t *restrict rows, uint32_t count, int64_t *restrict out)
{
	for (uint32_t i = 0; i < count; i++)
		out[i] = values[rows[i]];
}

/* Division by multiplication in doubles: exact after a correction by one, for distances below 2^52. */
static inline uint32_t number_of(int64_t distance, double factor, int64_t slice_ms)
{
	int64_t n = (int32_t)((double)distance * factor);
	const int64_t rest = distance - n * slice_ms;

	n += rest >= slice_ms;
	n -= rest < 0;
	return (uint32_t)n;
}

static void slices(const int64_t *restrict times, uint32_t count, int64_t base, int64_t slice_ms, uint32_t *restrict out)
{
	const double factor = 1.0 / (double)slice_ms;

	for (uint32_t i = 0; i < count; i++)
		out[i] = number_of(times[i] - base, factor, slice_ms);
}

static void slices_at(const int64_t *restrict times, const uint32_t *restrict rows, uint32_t count, int64_t base,
		      int64_t slice_ms, uint32_t *restrict out)
{
	const double factor = 1.0 / (double)slice_ms;

	for (uint32_t i = 0; i < count; i++)
		out[i] = number_of(times[rows[i]] - base, factor, slice_ms);
}

static uint32_t outside(const int64_t *restrict times, uint32_t count, int64_t start, int64_t slice_ms,
			uint32_t *restrict out)
{
	uint32_t n = 0, i = 0;

#ifdef __AVX512VL__
	const __m512i from = _mm512_set1_epi64(start), width = _mm512_set1_epi64(slice_ms);
	__m256i positions = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);

	for (; i + 8 <= count; i += 8) {
		const __m512i distance = _mm512_sub_epi64(_mm512_loadu_si512(times + i), from);
		const __mmask8 mask = _mm512_cmpge_epu64_mask(distance, width);

		_mm256_storeu_si256((__m256i *)(void *)(out + n), _mm256_maskz_compress_epi32(mask, positions));
		n += (uint32_t)__builtin_popcount(mask);
		positions = _mm256_add_epi32(positions, _mm256_set1_epi32(8));
	}
#endif
	for (; i < count; i++) {
		out[n] = i;
		n += (uint64_t)times[i] - (uint64_t)start >= (uint64_t)slice_ms;
	}
	return n;
}

const struct tr_window_kernels TR_ISA(tr_window_kernels) = {
	.range = range,
	.gather = gather,
	.slices = slices,
	.slices_at = slices_at,
	.outside = outside,
};
