/* SPDX-License-Identifier: Apache-2.0
 *
 * The Nexmark generator alone, on one core (no bar: what it must reach is a rate), and q0, q1, q2 as SQL jobs of one
 * worker, generator and blackhole included, against the generator alone with the same columns.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/type.h"
#include "bench/bench.h"
#include "bench/engine_run.h"
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
	const char *query;
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
	types[1] = row_type(&d->arena, person,
			    "issssst"
			    "s");
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

static const char script_format[] =
	"CREATE TABLE nexmark (event_type INT,"
	" person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING,"
	" `dateTime` TIMESTAMP(3), extra STRING>,"
	" auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT,"
	" `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,"
	" bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3),"
	" extra STRING>,"
	" `dateTime` AS CASE WHEN event_type = 0 THEN person.`dateTime` WHEN event_type = 1 THEN auction.`dateTime`"
	" ELSE bid.`dateTime` END,"
	" WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND"
	") WITH ('connector' = 'nexmark', 'full-rows' = 'true', 'events.num' = '%llu');\n"
	"CREATE VIEW bid AS SELECT bid.auction, bid.bidder, bid.price, bid.channel, bid.url, `dateTime`, bid.extra"
	" FROM nexmark WHERE event_type = 2;\n%s";

#define EVENTS_PER_REPEAT UINT64_C(100000)

static uint64_t run_query(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;
	struct tr_engine_progress progress;
	char script[4096];

	TR_ASSERT((size_t)snprintf(script, sizeof(script), script_format,
				   (unsigned long long)(EVENTS_PER_REPEAT * repeat), d->query) < sizeof(script));
	tr_bench_run_sql(script, 1, seconds, &progress);
	TR_ASSERT(progress.rows_in == EVENTS_PER_REPEAT * repeat);
	return progress.rows_in;
}

static tr_code open_query(struct tr_bench_pair *pair, const char *query)
{
	struct data *d = data_create(NULL);

	d->query = query;
	pair->data = d;
	pair->ours = (struct tr_harness_side){run_query, d};
	pair->bar = (struct tr_harness_side){ours, d};
	snprintf(pair->note, sizeof(pair->note), "the bar is the generator alone, full rows");
	return TR_OK;
}

static tr_code open_q0(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_query(pair,
			  "CREATE TABLE nowhere (auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3),"
			  " extra STRING) WITH ('connector' = 'blackhole');\n"
			  "INSERT INTO nowhere SELECT auction, bidder, price, `dateTime`, extra FROM bid;");
}
static tr_code open_q1(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_query(pair,
			  "CREATE TABLE nowhere (auction BIGINT, bidder BIGINT, price DECIMAL(23, 3),"
			  " `dateTime` TIMESTAMP(3), extra STRING) WITH ('connector' = 'blackhole');\n"
			  "INSERT INTO nowhere SELECT auction, bidder, 0.908 * price, `dateTime`, extra FROM bid;");
}
static tr_code open_q2(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_query(pair,
			  "CREATE TABLE nowhere (auction BIGINT, price BIGINT) WITH ('connector' = 'blackhole');\n"
			  "INSERT INTO nowhere SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0;");
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
	{"nexmark-q0", "q0 on one worker, full rows, into blackhole", "events", 0.85, 0, 0, open_q0, data_close},
	{"nexmark-q1", "q1 on one worker, full rows, into blackhole", "events", 0.85, 0, 0, open_q1, data_close},
	{"nexmark-q2", "q2 on one worker, full rows, into blackhole", "events", 0.85, 0, 0, open_q2, data_close},
	{.name = NULL},
};
