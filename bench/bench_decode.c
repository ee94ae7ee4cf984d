/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to columns: JSON and CSV bids from memory, line ends of a file in the page cache.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "bench/limits/limits.h"

#define ROWS ((size_t)100000)
#define READ_BLOCK ((size_t)256 << 10)

struct data {
	struct tr_data_text text;
	struct tr_limit_bids bids;
	char path[64];
	enum tr_limit_lines_how how;
};

static void bids_create(struct tr_limit_bids *bids)
{
	bids->capacity = ROWS;
	bids->auction = tr_harness_alloc(ROWS * 8);
	bids->bidder = tr_harness_alloc(ROWS * 8);
	bids->price = tr_harness_alloc(ROWS * 8);
	bids->time_ms = tr_harness_alloc(ROWS * 8);
	bids->channel = tr_harness_alloc(ROWS * 16);
	bids->url = tr_harness_alloc(ROWS * 16);
	bids->extra = tr_harness_alloc(ROWS * 16);
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	tr_harness_free(d->bids.auction, ROWS * 8);
	tr_harness_free(d->bids.bidder, ROWS * 8);
	tr_harness_free(d->bids.price, ROWS * 8);
	tr_harness_free(d->bids.time_ms, ROWS * 8);
	tr_harness_free(d->bids.channel, ROWS * 16);
	tr_harness_free(d->bids.url, ROWS * 16);
	tr_harness_free(d->bids.extra, ROWS * 16);
	tr_data_text_free(&d->text);
	if (d->path[0] != 0)
		unlink(d->path);
	free(d);
}

static uint64_t bar_json(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		TR_ASSERT(tr_limit_json_bids(d->text.text, d->text.length, &d->bids) == (int64_t)d->text.rows);
	return (uint64_t)repeat * d->text.rows;
}

static uint64_t bar_csv(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		TR_ASSERT(tr_limit_csv_bids(d->text.text, d->text.length, &d->bids) == (int64_t)d->text.rows);
	return (uint64_t)repeat * d->text.rows;
}

static uint64_t bar_lines(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		TR_ASSERT(tr_limit_lines(d->path, READ_BLOCK, d->how) > 0);
	return (uint64_t)repeat * d->text.length * 8;
}

static tr_code open_json(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = calloc(1, sizeof(*d));

	pair->data = d;
	d->text = tr_data_bids_json(ROWS, 31);
	bids_create(&d->bids);
	pair->bar = (struct tr_harness_side){bar_json, d};
	snprintf(pair->note, sizeof(pair->note), "%zu bytes a row", d->text.length / ROWS);
	return TR_OK;
}

static tr_code open_csv(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = calloc(1, sizeof(*d));

	pair->data = d;
	d->text = tr_data_bids_csv(ROWS, 32);
	bids_create(&d->bids);
	pair->bar = (struct tr_harness_side){bar_csv, d};
	snprintf(pair->note, sizeof(pair->note), "%zu bytes a row", d->text.length / ROWS);
	return TR_OK;
}

static tr_code open_lines(struct tr_bench_pair *pair, enum tr_limit_lines_how how, struct tr_status *st)
{
	struct data *d = calloc(1, sizeof(*d));
	int fd;

	pair->data = d;
	d->how = how;
	d->text = tr_data_bids_csv(ROWS, 32);
	snprintf(d->path, sizeof(d->path), "/tmp/tailrace-bench-XXXXXX");
	fd = mkstemp(d->path);
	if (fd < 0)
		TR_FAIL_ERRNO(st, TR_ERR_CANT_CREATE, "create %s", d->path);
	for (int copy = 0; copy < 8; copy++)
		if (write(fd, d->text.text, d->text.length) != (ssize_t)d->text.length)
			TR_FAIL_ERRNO(st, TR_ERR_IO, "write %s", d->path);
	close(fd);
	pair->bar = (struct tr_harness_side){bar_lines, d};
	snprintf(pair->note, sizeof(pair->note), "bytes/s; %zu MB, %zu bytes a line", d->text.length * 8 >> 20,
		 d->text.length / ROWS);
	return TR_OK;
}

static tr_code open_lines_read(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_lines(pair, TR_LIMIT_LINES_READ, st);
}
static tr_code open_lines_uring(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_lines(pair, TR_LIMIT_LINES_URING, st);
}

const struct tr_bench_case tr_bench_decode_cases[] = {
	{"json-bids", "JSON lines to columns: bids, 5 of 7 fields, against simdjson on-demand", "rows", 0.8, 0, 0,
	 open_json, data_close},
	{"csv-bids", "CSV lines to columns: bids, all 7 fields, against a SIMD scanner", "rows", 0.6, 0, 0, open_csv,
	 data_close},
	{"lines-read", "file in the page cache to an index of line ends, against read()", "bytes", 0.9, 0, 0,
	 open_lines_read, data_close},
	{"lines-uring", "the same against io_uring with registered buffers", "bytes", 0.9, 0, 0, open_lines_uring,
	 data_close},
	{.name = NULL},
};
