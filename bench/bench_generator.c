/* SPDX-License-Identifier: Apache-2.0
 *
 * The Nexmark generator alone.
 */
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/limits/limits.h"

#define ROWS 2048u

struct data {
	uint64_t next;
	int32_t event_type[ROWS];
	int64_t auction[ROWS], bidder[ROWS], price[ROWS], time_ms[ROWS];
};

static uint64_t bar_numbers(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++, d->next += ROWS)
		tr_limit_generate_bids(42, d->next, ROWS, d->event_type, d->auction, d->bidder, d->price, d->time_ms);
	return (uint64_t)repeat * ROWS;
}

static tr_code open_numbers(struct tr_bench_pair *pair, struct tr_status *st)
{
	pair->data = calloc(1, sizeof(struct data));
	pair->bar = (struct tr_harness_side){bar_numbers, pair->data};
	return TR_OK;
}

static void data_close(struct tr_bench_pair *pair)
{
	free(pair->data);
}

const struct tr_bench_case tr_bench_generator_cases[] = {
	{"generator-bid-numbers", "Nexmark events, only the bids' numbers made", "events", 0, 20e6, 0, open_numbers,
	 data_close},
	{.name = NULL},
};
