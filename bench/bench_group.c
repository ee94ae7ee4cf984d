/* SPDX-License-Identifier: Apache-2.0
 *
 * COUNT(*) and SUM(value) by 1k, 100k and 10M random 64-bit keys, from memory, on one worker.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/data.h"
#include "bench/limits/limits.h"

struct data {
	size_t rows, keys;
	int64_t *key, *value;
	struct tr_limit_group *group;
};

static uint64_t bar(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++) {
		tr_limit_group_clear(d->group);
		tr_limit_group_add(d->group, d->key, d->value, d->rows);
	}
	return (uint64_t)repeat * d->rows;
}

static tr_code open_with(struct tr_bench_pair *pair, size_t rows, size_t keys)
{
	struct data *d = calloc(1, sizeof(*d));
	uint64_t counted, check;
	size_t groups;

	d->rows = rows;
	d->keys = keys;
	d->key = tr_data_keys(rows, keys, 11);
	d->value = tr_data_numbers(rows, 1000, 12);
	d->group = tr_limit_group_create(keys);
	pair->data = d;
	pair->bar = (struct tr_harness_side){bar, d};
	tr_limit_group_add(d->group, d->key, d->value, rows);
	groups = tr_limit_group_result(d->group, &counted, &check);
	snprintf(pair->note, sizeof(pair->note), "%zu M rows, %zu groups", rows / 1000000, groups);
	return TR_OK;
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	tr_limit_group_destroy(&d->group);
	tr_harness_free(d->key, d->rows * sizeof(int64_t));
	tr_harness_free(d->value, d->rows * sizeof(int64_t));
	free(d);
}

static tr_code open_1k(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, 4000000, 1000);
}
static tr_code open_100k(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, 8000000, 100000);
}
static tr_code open_10m(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, 20000000, 10000000);
}

const struct tr_bench_case tr_bench_group_cases[] = {
	{"group-1k", "COUNT(*), SUM(value) by 1,000 random 64-bit keys", "rows", 0.6, 0, 0, open_1k, data_close},
	{"group-100k", "the same by 100,000 keys", "rows", 0.6, 0, 0, open_100k, data_close},
	{"group-10m", "the same by 10,000,000 keys", "rows", 0.6, 0, 0, open_10m, data_close},
	{.name = NULL},
};
