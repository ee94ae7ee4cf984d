/* SPDX-License-Identifier: Apache-2.0
 *
 * 4 int64 columns dealt by the hash of the first between two workers, and handed over.
 */
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/limits/limits.h"

#define ROWS_PER_REPEAT (UINT64_C(1) << 20)

static uint64_t bar_of(uint32_t workers, uint32_t repeat, double *seconds)
{
	uint64_t check;

	*seconds = tr_limit_exchange(workers, ROWS_PER_REPEAT * repeat, &check);
	return workers * ROWS_PER_REPEAT * repeat;
}

static uint64_t bar_2(void *context, uint32_t repeat, double *seconds)
{
	return bar_of(2, repeat, seconds);
}
static uint64_t bar_1(void *context, uint32_t repeat, double *seconds)
{
	return bar_of(1, repeat, seconds);
}

static tr_code open_2(struct tr_bench_pair *pair, struct tr_status *st)
{
	pair->bar = (struct tr_harness_side){bar_2, NULL};
	return TR_OK;
}
static tr_code open_1(struct tr_bench_pair *pair, struct tr_status *st)
{
	pair->bar = (struct tr_harness_side){bar_1, NULL};
	return TR_OK;
}
static void close_none(struct tr_bench_pair *pair)
{
}

const struct tr_bench_case tr_bench_exchange_cases[] = {
	{"exchange-2", "4 BIGINT columns by hash between 2 workers, rows of both together", "rows", 0.6, 0, 0, open_2,
	 close_none},
	{"exchange-1", "the same dealing on one worker, nothing handed over", "rows", 0, 0, 0, open_1, close_none},
	{.name = NULL},
};
