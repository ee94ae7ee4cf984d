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
#include "base/type.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "bench/engine_run.h"
#include "bench/limits/limits.h"
#include "io/connectors.h"
#include "io/format.h"

#define ROWS ((size_t)100000)
#define CHUNK_ROWS ((size_t)2000) /* output stays in the cache on both sides */
#define CHUNKS (ROWS / CHUNK_ROWS)
#define BATCH_ROWS 2048
#define READ_BLOCK ((size_t)256 << 10)
#define COPIES 8
#define COLUMNS_MAX 7

struct data {
	struct tr_data_text text;
	size_t chunk_at[CHUNKS + 1];
	struct tr_limit_bids bids;
	struct tr_arena arena;
	struct tr_schema schema;
	struct tr_table_spec spec;
	struct tr_decoder *decoder;
	struct tr_batch_buffer *buffer;
	uint64_t check_ours; /* sums of prices: both sides must read the same */
	uint64_t check_bar;
	struct tr_bench_plan plan; /* lines */
	struct tr_table_spec sink;
	char path[64];
	enum tr_limit_lines_how how;
};

static void bids_create(struct tr_limit_bids *bids)
{
	bids->capacity = BATCH_ROWS;
	bids->auction = tr_harness_alloc(BATCH_ROWS * 8);
	bids->bidder = tr_harness_alloc(BATCH_ROWS * 8);
	bids->price = tr_harness_alloc(BATCH_ROWS * 8);
	bids->time_ms = tr_harness_alloc(BATCH_ROWS * 8);
	bids->channel = tr_harness_alloc(BATCH_ROWS * 16);
	bids->url = tr_harness_alloc(BATCH_ROWS * 16);
	bids->extra = tr_harness_alloc(BATCH_ROWS * 16);
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	tr_harness_free(d->bids.auction, BATCH_ROWS * 8);
	tr_harness_free(d->bids.bidder, BATCH_ROWS * 8);
	tr_harness_free(d->bids.price, BATCH_ROWS * 8);
	tr_harness_free(d->bids.time_ms, BATCH_ROWS * 8);
	tr_harness_free(d->bids.channel, BATCH_ROWS * 16);
	tr_harness_free(d->bids.url, BATCH_ROWS * 16);
	tr_harness_free(d->bids.extra, BATCH_ROWS * 16);
	if (d->decoder != NULL)
		d->spec.format->decoder->destroy(&d->decoder);
	tr_batch_buffer_destroy(&d->buffer);
	tr_arena_deinit(&d->arena);
	tr_data_text_free(&d->text);
	if (d->path[0] != 0) {
		unlink(d->path);
		tr_bench_plan_deinit(&d->plan);
	}
	free(d);
}

typedef int64_t (*bids_fn)(const char *text, size_t length, struct tr_limit_bids *bids);

static uint64_t bar_bids(struct data *d, uint32_t repeat, bids_fn read_bids)
{
	for (uint32_t r = 0; r < repeat; r++) {
		d->check_bar = 0;
		for (size_t c = 0; c < CHUNKS; c++) {
			const int64_t rows =
				read_bids(d->text.text + d->chunk_at[c], d->chunk_at[c + 1] - d->chunk_at[c], &d->bids);

			TR_ASSERT(rows == (int64_t)CHUNK_ROWS);
			d->check_bar += (uint64_t)d->bids.price[0] + (uint64_t)d->bids.time_ms[CHUNK_ROWS - 1];
		}
	}
	return (uint64_t)repeat * ROWS;
}

#ifdef TR_HAVE_SIMDJSON
static uint64_t bar_json(void *context, uint32_t repeat, double *seconds)
{
	return bar_bids(context, repeat, tr_limit_json_bids);
}
#endif

static uint64_t bar_csv(void *context, uint32_t repeat, double *seconds)
{
	return bar_bids(context, repeat, tr_limit_csv_bids);
}

/* The engine's decoder over the same chunks, a batch each. */
static uint64_t ours_bids(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;
	const struct tr_decoder_ops *ops = d->spec.format->decoder;

	for (uint32_t r = 0; r < repeat; r++) {
		d->check_ours = 0;
		for (size_t c = 0; c < CHUNKS; c++) {
			struct tr_decode_result result = {0};
			struct tr_decode_error error;
			enum tr_flow flow;

			tr_batch_buffer_clear(d->buffer);
			flow = ops->decode(d->decoder, d->text.text + d->chunk_at[c],
					   d->chunk_at[c + 1] - d->chunk_at[c], true, d->buffer, 0, &result, &error);
			TR_ASSERT(flow == TR_FLOW_MORE && result.rows == CHUNK_ROWS);
			tr_batch_buffer_seal(d->buffer, result.rows);
			d->check_ours += (uint64_t)tr_column_i64(&d->buffer->batch.columns[2], 0) +
					 (uint64_t)tr_column_i64(&d->buffer->batch.columns[5], CHUNK_ROWS - 1);
		}
	}
	return (uint64_t)repeat * ROWS;
}

static uint64_t bar_lines(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		TR_ASSERT(tr_limit_lines(d->path, READ_BLOCK, d->how) > 0);
	return (uint64_t)repeat * d->text.length * COPIES;
}

static tr_code open_bids(struct tr_bench_pair *pair, const struct tr_format *format, struct tr_data_text text,
			 bool is_all_needed, tr_harness_body bar, struct tr_status *st)
{
	static const char *const names[COLUMNS_MAX] = {"auction", "bidder",   "price", "channel",
						       "url",     "dateTime", "extra"};
	static const struct tr_need whole = {.is_whole = true};
	static const struct tr_need *const five[COLUMNS_MAX] = {&whole, &whole, &whole, &whole, NULL, &whole, NULL};
	struct data *d = calloc(1, sizeof(*d));
	const struct tr_type **types;
	size_t at = 0;

	pair->data = d;
	d->text = text;
	for (size_t row = 0; row < ROWS; row++) {
		if (row % CHUNK_ROWS == 0)
			d->chunk_at[row / CHUNK_ROWS] = at;
		at += (size_t)((const char *)memchr(text.text + at, '\n', text.length - at) - (text.text + at)) + 1;
	}
	d->chunk_at[CHUNKS] = at;
	bids_create(&d->bids);
	tr_arena_init(&d->arena, 0);
	types = TR_NEW_ARRAY(&d->arena, COLUMNS_MAX, const struct tr_type *);
	types[0] = types[1] = types[2] = tr_type_of(TR_TYPE_BIGINT);
	types[3] = types[4] = types[6] = tr_type_of(TR_TYPE_VARCHAR);
	types[5] = tr_type_with_precision(&d->arena, TR_TYPE_TIMESTAMP, 3);
	d->schema = (struct tr_schema){COLUMNS_MAX, names, types};
	d->spec = (struct tr_table_spec){.name = "bids",
					 .format = format,
					 .schema = &d->schema,
					 .needs = is_all_needed ? NULL : five,
					 .time_zone = "UTC",
					 .batch_rows = BATCH_ROWS};
	if (format != NULL) {
		d->buffer = tr_batch_buffer_create(&d->schema, BATCH_ROWS);
		TR_TRY(format->decoder->create(&d->spec, &d->decoder, st));
		pair->ours = (struct tr_harness_side){ours_bids, d};
	}
	pair->bar = (struct tr_harness_side){bar, bar != NULL ? d : NULL};
	if (format != NULL && bar != NULL) {
		ours_bids(d, 1, NULL);
		bar(d, 1, NULL);
		if (d->check_ours != d->check_bar)
			TR_FAIL(st, TR_ERR_INTERNAL, "the decoder and the bar read different values");
	}
	snprintf(pair->note, sizeof(pair->note), "%zu bytes a row", text.length / ROWS);
	return TR_OK;
}

static tr_code open_json(struct tr_bench_pair *pair, struct tr_status *st)
{
#ifdef TR_HAVE_SIMDJSON
	const tr_harness_body bar = bar_json;
#else
	const tr_harness_body bar = NULL;
#endif

	return open_bids(pair, tr_registry_find_format("json"), tr_data_bids_json(ROWS, 31), false, bar, st);
}

static tr_code open_csv(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_bids(pair, tr_registry_find_format("csv"), tr_data_bids_csv(ROWS, 32), true, bar_csv, st);
}

/* ---- a format whose records are lines and whose one column is where they end ---- */

struct tr_decoder {
	int32_t index[BATCH_ROWS + 64];
};

static tr_code lines_create(const struct tr_table_spec *spec, struct tr_decoder **decoder, struct tr_status *st)
{
	*decoder = calloc(1, sizeof(**decoder));
	return TR_OK;
}

static void lines_destroy(struct tr_decoder **decoder)
{
	free(*decoder);
	*decoder = NULL;
}

static enum tr_flow lines_decode(struct tr_decoder *decoder, const char *span, size_t length, bool is_final,
				 struct tr_batch_buffer *into, uint32_t at, struct tr_decode_result *result,
				 struct tr_decode_error *error)
{
	const size_t rows = tr_limit_index_lines(span, length, into->capacity - at, decoder->index);

	memset(result, 0, sizeof(*result));
	if (rows > 0) {
		memcpy((int32_t *)into->columns[0].data + at, decoder->index, rows * sizeof(int32_t));
		result->consumed = (size_t)decoder->index[rows - 1] + 1;
	}
	result->rows = (uint32_t)rows;
	return TR_FLOW_MORE;
}

static size_t lines_find_start(const char *span, size_t length, size_t from)
{
	const char *end = from > 0 && from - 1 < length ? memchr(span + from - 1, '\n', length - from + 1) : NULL;

	return end != NULL ? (size_t)(end - span) + 1 : length;
}

static const struct tr_decoder_ops lines_ops = {lines_create, lines_destroy, lines_decode, lines_find_start};
static const struct tr_option_spec lines_options[] = {{.key = NULL}};
static const struct tr_format lines_format = {.name = "lines", .options = lines_options, .decoder = &lines_ops};

static uint64_t ours_lines(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	*seconds = 0;
	for (uint32_t r = 0; r < repeat; r++) {
		struct tr_engine_progress progress;
		double one;

		tr_bench_run(&d->plan.plan, &one, &progress);
		TR_ASSERT(progress.rows_in == ROWS * COPIES);
		*seconds += one;
	}
	return (uint64_t)repeat * d->text.length * COPIES;
}

static void make_lines_plan(struct data *d)
{
	static const char *const names[] = {"end"};
	const struct tr_type **types;
	struct tr_option *options;

	tr_bench_plan_init(&d->plan, 1);
	types = TR_NEW_ARRAY(&d->plan.arena, 1, const struct tr_type *);
	types[0] = tr_type_of(TR_TYPE_INT);
	d->schema = (struct tr_schema){1, names, types};
	options = TR_NEW_ARRAY(&d->plan.arena, 1, struct tr_option);
	options[0] = (struct tr_option){"path", d->path};
	d->spec = (struct tr_table_spec){.name = "lines",
					 .connector = &tr_connector_filesystem,
					 .format = &lines_format,
					 .options = {options, 1},
					 .schema = &d->schema,
					 .time_zone = "UTC",
					 .batch_rows = BATCH_ROWS};
	d->sink = d->spec;
	d->sink.connector = &tr_connector_blackhole;
	tr_bench_sink(&d->plan, tr_bench_scan(&d->plan, &d->spec, 1, -1, 0), &d->sink);
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
	for (int copy = 0; copy < COPIES; copy++)
		if (write(fd, d->text.text, d->text.length) != (ssize_t)d->text.length)
			TR_FAIL_ERRNO(st, TR_ERR_IO, "write %s", d->path);
	close(fd);
	make_lines_plan(d);
	pair->ours = (struct tr_harness_side){ours_lines, d};
	pair->bar = (struct tr_harness_side){bar_lines, d};
	snprintf(pair->note, sizeof(pair->note), "bytes/s; %zu MB, %zu bytes a line", d->text.length * COPIES >> 20,
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
