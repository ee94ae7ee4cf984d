/* SPDX-License-Identifier: Apache-2.0
 *
 * The Nexmark generator alone, on one core. No bar: what it must reach is a rate.
 */
#include <stdlib.h>

#include "base/type.h"
#include "bench/bench.h"
#include "io/nexmark_gen.h"
#include "io/nexmark_schema.h"

#define ROWS 2048u

struct data {
	struct tr_arena arena;
	struct tr_schema schema;
	struct tr_nexmark_config config;
	struct tr_nexmark_channels *channels;
	struct tr_nexmark_gen *gen;
	struct tr_batch_buffer *buffer;
	uint64_t next;
	uint64_t checked;
};

static uint64_t ours(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++, d->next += ROWS) {
		tr_batch_buffer_clear(d->buffer);
		tr_nexmark_gen_fill(d->gen, (int64_t)d->next, ROWS, d->buffer);
		d->checked += d->buffer->batch.row_count;
	}
	return (uint64_t)repeat * ROWS;
}

static const struct tr_type *row_type(struct tr_arena *arena, const char *const *names, const char *types)
{
	const struct tr_type *fields[TR_NEXMARK_FIELDS_MAX];
	size_t n = 0;

	for (; types[n] != 0; n++)
		fields[n] = types[n] == 'i'   ? tr_type_of(TR_TYPE_BIGINT)
			    : types[n] == 's' ? tr_type_of(TR_TYPE_VARCHAR)
					      : tr_type_with_precision(arena, TR_TYPE_TIMESTAMP, 3);
	return tr_type_row(arena, names, fields, n);
}

static void make_schema(struct data *d)
{
	static const char *const names[] = {"event_type", "person", "auction", "bid"};
	static const char *const person[] = {"id",   "name",  "emailAddress", "creditCard",
					     "city", "state", "dateTime",     "extra"};
	static const char *const auction[] = {"id",       "itemName", "description", "initialBid", "reserve",
					      "dateTime", "expires",  "seller",      "category",   "extra"};
	static const char *const bid[] = {"auction", "bidder", "price", "channel", "url", "dateTime", "extra"};
	const struct tr_type **types = TR_NEW_ARRAY(&d->arena, 4, const struct tr_type *);

	types[0] = tr_type_of(TR_TYPE_INT);
	types[1] = row_type(&d->arena, person, "issssst" "s");
	types[2] = row_type(&d->arena, auction, "issiittiis");
	types[3] = row_type(&d->arena, bid, "iiissts");
	d->schema = (struct tr_schema){4, names, types};
}

static struct data *data_create(const struct tr_need *const *needs)
{
	struct data *d = calloc(1, sizeof(*d));

	tr_arena_init(&d->arena, 0);
	make_schema(d);
	tr_nexmark_config_init(&d->config);
	d->channels = tr_nexmark_channels_create(0);
	d->gen = tr_nexmark_gen_create(&d->config, d->channels, &d->schema, needs, ROWS);
	d->buffer = tr_batch_buffer_create(&d->schema, ROWS);
	return d;
}

static tr_code open_numbers(struct tr_bench_pair *pair, struct tr_status *st)
{
	static const struct tr_need whole = {.is_whole = true};
	static const struct tr_need *const bid_fields[TR_BID_FIELD_COUNT] = {
		[TR_BID_AUCTION] = &whole, [TR_BID_BIDDER] = &whole, [TR_BID_PRICE] = &whole, [TR_BID_TIME] = &whole};
	static const struct tr_need bid = {.children = bid_fields};
	static const struct tr_need *const needs[] = {&whole, NULL, NULL, &bid};

	pair->data = data_create(needs);
	pair->ours = (struct tr_harness_side){ours, pair->data};
	return TR_OK;
}

static tr_code open_full(struct tr_bench_pair *pair, struct tr_status *st)
{
	pair->data = data_create(NULL);
	pair->ours = (struct tr_harness_side){ours, pair->data};
	return TR_OK;
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	tr_nexmark_gen_destroy(&d->gen);
	tr_nexmark_channels_destroy(&d->channels);
	tr_batch_buffer_destroy(&d->buffer);
	tr_arena_deinit(&d->arena);
	free(d);
}

const struct tr_bench_case tr_bench_generator_cases[] = {
	{"generator-bid-numbers", "Nexmark events, only event_type and the bids' numbers made", "events", 0, 20e6, 0,
	 open_numbers, data_close},
	{"generator-full", "Nexmark events, all columns made", "events", 0, 5e6, 0, open_full, data_close},
	{.name = NULL},
};
