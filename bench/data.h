/* SPDX-License-Identifier: Apache-2.0
 *
 * Input of the measures: deterministic columns and texts.
 */
#ifndef TR_BENCH_DATA_H
#define TR_BENCH_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/column.h"

/** A stream of random numbers: splitmix64. */
static inline uint64_t tr_data_next(uint64_t *state)
{
	uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/** The i-th of a set of random 64-bit keys (never 0). */
static inline int64_t tr_data_key(uint64_t i)
{
	uint64_t state = i * UINT64_C(0x2545f4914f6cdd1d) + 1;

	return (int64_t)(tr_data_next(&state) | 1);
}

/** `count` keys from a set of `distinct`, in memory from tr_harness_alloc: half of them drawn uniformly, half each key in
 * turn, so that all occur when count >= 2 * distinct. */
int64_t *tr_data_keys(size_t count, size_t distinct, uint64_t seed);

/** `count` uniform numbers in [0, limit). */
int64_t *tr_data_numbers(size_t count, uint64_t limit, uint64_t seed);

/** Event times: row i is at start + i * 1000 / per_second ms; `late_share` of the rows are up to `late_ms` earlier. */
int64_t *tr_data_times(size_t count, int64_t start_ms, uint64_t per_second, double late_share, int64_t late_ms,
		       uint64_t seed);

/** Short texts of a bid's channel: half of them one of four names, the others "channel-N". */
struct tr_view *tr_data_channels(size_t count, uint64_t seed);

struct tr_data_text {
	char *text; /* from tr_harness_alloc, with 64 readable bytes after the end */
	size_t length;
	size_t bytes; /* allocated */
	size_t rows;
};

/** Nexmark bids as text, 7 fields; `extra` is short (8 letters), as in docs of others who measured this. */
struct tr_data_text tr_data_bids_json(size_t rows, uint64_t seed);
struct tr_data_text tr_data_bids_csv(size_t rows, uint64_t seed);
void tr_data_text_free(struct tr_data_text *text);

#endif
