/* SPDX-License-Identifier: Apache-2.0
 *
 * The 'nexmark' connector: the auction house of io/nexmark_gen.h as a table.
 *
 * Option names are those of the nexmark project. Three more are ours: 'seed' (the same seed gives the same events),
 * 'full-rows' (make every column, whether or not the query reads it: what a comparison with another system needs),
 * and 'stop-after' (end the table after so much time). 'base-time' is the time of the first event in milliseconds; the
 * project takes the clock, we a fixed time, so that a run can be repeated.
 *
 * The rate sets the distance of the events in event time. Only with 'rate.limited' (or 'max-emit-speed' = 'false') are
 * they also held back by the clock. 'rate.shape', 'rate.period' and 'next-event.rate' are accepted and change nothing,
 * as in the project, whose generator has used the first rate alone since 2020.
 */
#include "base/check.h"
#include "io/connectors.h"
#include "io/memory.h"
#include "io/nexmark_gen.h"
#include "io/source.h"
#include "io/source_sequence.h"

#define RATE_DEFAULT 10000
#define RATE_MAX INT64_C(1000000000)
#define EVENTS_MAX (INT64_C(1) << 50) /* numbers stay exact in double, ids and times in int64 */

struct tr_source {
	const struct tr_table_spec *spec;
	struct tr_environment *env;
	struct tr_nexmark_config config;
	struct tr_nexmark_channels *channels;
	const struct tr_need *const *needs;
	struct tr_sequence sequence;
};

struct tr_source_reader {
	struct tr_source *source;
	struct tr_source_context *context;
	struct tr_nexmark_gen *gen;
	struct tr_sequence_cursor cursor;
};

static const struct tr_option_spec options[] = {
	{"first-event.rate", TR_OPTION_INTEGER, "10000", NULL, false,
	 "Events per second of event time; also of the clock with 'rate.limited'."},
	{"next-event.rate", TR_OPTION_INTEGER, "10000", NULL, false, "Accepted; the rate is 'first-event.rate'."},
	{"rate.shape", TR_OPTION_ENUM, "SQUARE", "SQUARE|SINE", false, "Accepted; the rate is constant."},
	{"rate.period", TR_OPTION_DURATION, "600 s", NULL, false, "Accepted; the rate is constant."},
	{"rate.limited", TR_OPTION_BOOLEAN, "false", NULL, false, "Emit at the rate by the clock, not at full speed."},
	{"max-emit-speed", TR_OPTION_BOOLEAN, "true", NULL, false, "'false' is the same as 'rate.limited' = 'true'."},
	{"events.num", TR_OPTION_INTEGER, "0", NULL, false, "Number of events; 0: without end."},
	{"stop-at", TR_OPTION_INTEGER, "-1", NULL, false, "Stop at this event number; negative: don't."},
	{"keep-alive", TR_OPTION_BOOLEAN, "false", NULL, false, "Stay open, idle, after the last event."},
	{"person.proportion", TR_OPTION_INTEGER, "1", NULL, false, "New people per round of events."},
	{"auction.proportion", TR_OPTION_INTEGER, "3", NULL, false, "New auctions per round of events."},
	{"bid.proportion", TR_OPTION_INTEGER, "46", NULL, false, "Bids per round of events."},
	{"person.avg-size", TR_OPTION_MEMORY, "200 b", NULL, false, "Average size of a person."},
	{"auction.avg-size", TR_OPTION_MEMORY, "500 b", NULL, false, "Average size of an auction."},
	{"bid.avg-size", TR_OPTION_MEMORY, "100 b", NULL, false, "Average size of a bid."},
	{"bid.hot-ratio.auctions", TR_OPTION_INTEGER, "2", NULL, false, "1 of so many bids is not for a hot auction."},
	{"bid.hot-ratio.bidders", TR_OPTION_INTEGER, "4", NULL, false, "1 of so many bids is not by a hot bidder."},
	{"auction.hot-ratio.sellers", TR_OPTION_INTEGER, "4", NULL, false,
	 "1 of so many auctions is not by a hot seller."},
	{"out-of-order.group-size", TR_OPTION_INTEGER, "1", NULL, false,
	 "Events are shuffled within groups of so many; 1: in order."},
	{"base-time", TR_OPTION_INTEGER, "1436918400000", NULL, false,
	 "Event time of the first event, in milliseconds since 1970."},
	{"seed", TR_OPTION_INTEGER, "0", NULL, false, "The same seed gives the same events."},
	{"full-rows", TR_OPTION_BOOLEAN, "false", NULL, false,
	 "Make all columns of all rows, also those that the query does not read."},
	{"stop-after", TR_OPTION_DURATION, NULL, NULL, false, "End the table after this time, e.g. '10 s'."},
	TR_SOURCE_WATERMARK_OPTIONS,
	{.key = NULL},
};

static bool is_bounded(const struct tr_table_spec *spec)
{
	const struct tr_options *o = &spec->options;

	if (tr_options_boolean(o, "keep-alive", false))
		return false;
	return tr_options_integer(o, "events.num", 0) > 0 || tr_options_integer(o, "stop-at", -1) >= 0 ||
	       tr_options_duration_ms(o, "stop-after", 0) > 0;
}

/* An integer option that must lie in [least, most]. */
static tr_code read_integer(const struct tr_table_spec *spec, const char *key, int64_t fallback, int64_t least,
			    int64_t most, int64_t *value, struct tr_status *st)
{
	*value = tr_options_integer(&spec->options, key, fallback);
	if (*value < least || *value > most)
		TR_FAIL(st, TR_ERR_DATA, "table %s: option '%s' is %lld but must be from %lld to %lld", spec->name, key,
			(long long)*value, (long long)least, (long long)most);
	return TR_OK;
}

static tr_code read_count(const struct tr_table_spec *spec, const char *key, uint32_t least, uint32_t most,
			  uint32_t *value, struct tr_status *st)
{
	int64_t number;

	TR_TRY(read_integer(spec, key, *value, least, most, &number, st));
	*value = (uint32_t)number;
	return TR_OK;
}

static tr_code read_size(const struct tr_table_spec *spec, const char *key, uint32_t *bytes, struct tr_status *st)
{
	const int64_t value = tr_options_memory_bytes(&spec->options, key, *bytes);

	if (value < 0 || value > TR_NEXMARK_SIZE_MAX)
		TR_FAIL(st, TR_ERR_DATA, "table %s: option '%s' is %lld bytes but must be at most %d kb", spec->name,
			key, (long long)value, TR_NEXMARK_SIZE_MAX >> 10);
	*bytes = (uint32_t)value;
	return TR_OK;
}

static tr_code read_config(const struct tr_table_spec *spec, struct tr_nexmark_config *config, struct tr_status *st)
{
	int64_t rate;

	tr_nexmark_config_init(config);
	TR_TRY(read_integer(spec, "first-event.rate", RATE_DEFAULT, 1, RATE_MAX, &rate, st));
	config->events_per_second = (double)rate;
	TR_TRY(read_count(spec, "person.proportion", 0, TR_NEXMARK_PROPORTION_MAX, &config->person_proportion, st));
	TR_TRY(read_count(spec, "auction.proportion", 0, TR_NEXMARK_PROPORTION_MAX, &config->auction_proportion, st));
	TR_TRY(read_count(spec, "bid.proportion", 0, TR_NEXMARK_PROPORTION_MAX, &config->bid_proportion, st));
	if (config->person_proportion + config->auction_proportion + config->bid_proportion == 0)
		TR_FAIL(st, TR_ERR_DATA,
			"table %s: 'person.proportion', 'auction.proportion' and 'bid.proportion' are all 0",
			spec->name);
	TR_TRY(read_size(spec, "person.avg-size", &config->person_bytes, st));
	TR_TRY(read_size(spec, "auction.avg-size", &config->auction_bytes, st));
	TR_TRY(read_size(spec, "bid.avg-size", &config->bid_bytes, st));
	TR_TRY(read_count(spec, "bid.hot-ratio.auctions", 1, INT32_MAX, &config->hot_auction_ratio, st));
	TR_TRY(read_count(spec, "bid.hot-ratio.bidders", 1, INT32_MAX, &config->hot_bidder_ratio, st));
	TR_TRY(read_count(spec, "auction.hot-ratio.sellers", 1, INT32_MAX, &config->hot_seller_ratio, st));
	TR_TRY(read_count(spec, "out-of-order.group-size", 1, 1000000, &config->out_of_order_group, st));
	config->base_time_ms = tr_options_integer(&spec->options, "base-time", TR_NEXMARK_BASE_TIME_MS);
	config->seed = (uint64_t)tr_options_integer(&spec->options, "seed", 0);
	return TR_OK;
}

static tr_code read_sequence(const struct tr_table_spec *spec, double rate, struct tr_sequence_config *config,
			     struct tr_status *st)
{
	const struct tr_options *o = &spec->options;
	int64_t events, stop_at;

	TR_TRY(read_integer(spec, "events.num", 0, 0, EVENTS_MAX, &events, st));
	TR_TRY(read_integer(spec, "stop-at", -1, INT64_MIN, EVENTS_MAX, &stop_at, st));
	*config = (struct tr_sequence_config){
		.rows = events > 0 ? events : TR_SEQUENCE_UNBOUNDED,
		.stop_after_ms = tr_options_duration_ms(o, "stop-after", 0),
		.keep_alive = tr_options_boolean(o, "keep-alive", false),
		.batch_rows = spec->batch_rows,
	};
	if (stop_at >= 0)
		config->rows = TR_MIN(config->rows, stop_at);
	if (tr_options_boolean(o, "rate.limited", false) || !tr_options_boolean(o, "max-emit-speed", true))
		config->rows_per_second = rate;
	return TR_OK;
}

static tr_code nexmark_check(const struct tr_table_spec *spec, struct tr_status *st)
{
	struct tr_nexmark_config config;
	struct tr_sequence_config sequence;

	TR_TRY(tr_nexmark_gen_check(spec->schema, st));
	TR_TRY(read_config(spec, &config, st));
	return read_sequence(spec, config.events_per_second, &sequence, st);
}

static tr_code nexmark_open(const struct tr_table_spec *spec, struct tr_environment *env, uint32_t reader_count,
			    struct tr_source **source, struct tr_status *st)
{
	struct tr_nexmark_config config;
	struct tr_sequence_config sequence;
	struct tr_source *s;

	TR_ASSERT(spec->batch_rows >= 1 && spec->batch_rows <= TR_BATCH_ROWS_MAX);
	TR_TRY(tr_nexmark_gen_check(spec->schema, st));
	TR_TRY(read_config(spec, &config, st));
	TR_TRY(read_sequence(spec, config.events_per_second, &sequence, st));
	s = tr_io_calloc(1, sizeof(*s));
	s->spec = spec;
	s->env = env;
	s->config = config;
	s->channels = tr_nexmark_channels_create(config.seed);
	s->needs = tr_options_boolean(&spec->options, "full-rows", false) ? NULL : spec->needs;
	tr_sequence_init(&s->sequence, &sequence, env);
	*source = s;
	return TR_OK;
}

static void nexmark_close(struct tr_source **source)
{
	struct tr_source *s = *source;

	*source = NULL;
	if (s == NULL)
		return;
	tr_sequence_deinit(&s->sequence);
	tr_nexmark_channels_destroy(&s->channels);
	free(s);
}

static void nexmark_progress(struct tr_source *source, uint64_t *known, uint64_t *begun)
{
	tr_sequence_progress(&source->sequence, known, begun);
}

static const char *nexmark_split_name(struct tr_source *source, uint64_t split) { return "nexmark generator"; }

static tr_code reader_open(struct tr_source *source, struct tr_source_context *context,
			   struct tr_source_reader **reader, struct tr_status *st)
{
	struct tr_source_reader *r = tr_io_calloc(1, sizeof(*r));

	r->source = source;
	r->context = context;
	r->gen = tr_nexmark_gen_create(&source->config, source->channels, source->spec->schema, source->needs,
				       source->spec->batch_rows);
	*reader = r;
	return TR_OK;
}

static void reader_close(struct tr_source_reader **reader)
{
	struct tr_source_reader *r = *reader;

	*reader = NULL;
	if (r == NULL)
		return;
	tr_nexmark_gen_destroy(&r->gen);
	free(r);
}

static enum tr_flow reader_poll(struct tr_source_reader *r, struct tr_batch_buffer *into, struct tr_chunk_info *info,
				struct tr_status *st)
{
	int64_t first;
	uint32_t count;
	enum tr_flow flow;

	TR_ASSERT(into->capacity >= r->source->spec->batch_rows);
	flow = tr_sequence_next(&r->source->sequence, &r->cursor, r->context, &first, &count, info);
	if (flow == TR_FLOW_MORE)
		tr_nexmark_gen_fill(r->gen, first, count, into);
	return flow;
}

static bool reader_barrier(struct tr_source_reader *r, uint64_t checkpoint, struct tr_position_writer *writer)
{
	return tr_sequence_barrier(&r->source->sequence, &r->cursor, r->context, checkpoint, writer);
}

static tr_code restore(struct tr_source *source, const struct tr_source_positions *positions, struct tr_status *st)
{
	return tr_sequence_restore(&source->sequence, source->spec->name, positions, source->env, st);
}

static const struct tr_source_ops source_ops = {
	.is_bounded = is_bounded,
	.bounded_hint = "set 'events.num', 'stop-at' or 'stop-after', and not 'keep-alive'",
	.check = nexmark_check,
	.open = nexmark_open,
	.close = nexmark_close,
	.progress = nexmark_progress,
	.split_name = nexmark_split_name,
	.reader_open = reader_open,
	.reader_close = reader_close,
	.poll = reader_poll,
	.reader_barrier = reader_barrier,
	.restore = restore,
};

const struct tr_connector tr_connector_nexmark = {
	.name = "nexmark",
	.doc = "Generates the events of an online auction house, as the Nexmark benchmark has them.",
	.example = "CREATE TABLE nexmark (\n"
		   "  event_type INT,\n"
		   "  person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING,\n"
		   "    state STRING, `dateTime` TIMESTAMP(3), extra STRING>,\n"
		   "  auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT,\n"
		   "    `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,\n"
		   "  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,\n"
		   "    `dateTime` TIMESTAMP(3), extra STRING>,\n"
		   "  `dateTime` AS CASE event_type WHEN 0 THEN person.`dateTime` WHEN 1 THEN auction.`dateTime`\n"
		   "    ELSE bid.`dateTime` END,\n"
		   "  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND\n"
		   ") WITH ('connector' = 'nexmark', 'events.num' = '1000000');",
	.options = options,
	.source = &source_ops,
};
