/* SPDX-License-Identifier: Apache-2.0
 *
 * Filter and project of batches that lie in the cache.
 */
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/data.h"
#include "bench/limits/limits.h"

#define ROWS 2048u
#define PRICE_LIMIT 500000 /* half of the rows: prices are uniform below a million */

struct data {
	int64_t *auction, *bidder, *price;
	struct tr_view *channel;
	int64_t out_auction[ROWS + 8], out_price[ROWS + 8];
	struct tr_view out_channel[ROWS + 8];
	struct tr_view google;
};

static struct data *data_create(void)
{
	struct data *d = calloc(1, sizeof(*d));

	d->auction = tr_data_numbers(ROWS, 100000, 1);
	d->bidder = tr_data_numbers(ROWS, 100000, 2);
	d->price = tr_data_numbers(ROWS, 1000000, 3);
	d->channel = tr_data_channels(ROWS, 4);
	d->google = tr_view_make("Google", 6);
	return d;
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	tr_harness_free(d->auction, ROWS * sizeof(int64_t));
	tr_harness_free(d->bidder, ROWS * sizeof(int64_t));
	tr_harness_free(d->price, ROWS * sizeof(int64_t));
	tr_harness_free(d->channel, ROWS * sizeof(struct tr_view));
	free(d);
}

static uint64_t bar_i64(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		tr_limit_filter_project_i64(d->auction, d->price, ROWS, PRICE_LIMIT, d->out_auction, d->out_price);
	return (uint64_t)repeat * ROWS;
}

static uint64_t bar_text(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		tr_limit_filter_project_text(d->auction, d->price, d->channel, ROWS, PRICE_LIMIT, &d->google,
					     d->out_auction, d->out_price, d->out_channel);
	return (uint64_t)repeat * ROWS;
}

static uint64_t bar_project(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		tr_limit_project_i64(d->price, d->bidder, ROWS, d->out_price);
	return (uint64_t)repeat * ROWS;
}

static tr_code open_with(struct tr_bench_pair *pair, tr_harness_body bar)
{
	pair->data = data_create();
	pair->bar = (struct tr_harness_side){bar, pair->data};
	return TR_OK;
}

static tr_code open_i64(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, bar_i64);
}

static tr_code open_text(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, bar_text);
}

static tr_code open_project(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, bar_project);
}

const struct tr_bench_case tr_bench_expression_cases[] = {
	{"filter-project-i64", "auction, price * 89 WHERE price > 500000, 2,048 rows in cache", "rows", 0.6, 0, 0,
	 open_i64, data_close},
	{"filter-project-text", "auction, price * 89, channel WHERE price > 500000 AND channel = 'Google'", "rows", 0.6,
	 0, 0, open_text, data_close},
	{"project-i64", "auction, price * 89 + bidder, bidder: one computed column, two by reference", "rows", 0.6, 0, 0,
	 open_project, data_close},
	{.name = NULL},
};
