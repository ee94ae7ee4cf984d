/* SPDX-License-Identifier: Apache-2.0
 *
 * How a batch of Nexmark events is made. The rules are in the header; the loops over all rows in
 * io/nexmark_kernel.isa.c; texts of people and auctions in io/nexmark_text.c.
 *
 *     place     event numbers -> which kind each row is, last person and last auction before it, validity of the rows
 *     hashes    one 64-bit hash per row, from which each field draws
 *     fields    one loop per needed field; fields that nobody needs are all NULL
 */
#include "io/nexmark_gen.h"

#include "base/check.h"
#include "io/memory.h"
#include "io/nexmark_kernel.h"
#include "io/nexmark_schema.h"
#include "io/nexmark_text.h"

#define FLIGHT 100  /* auctions open at a time */
#define ACTIVE 1000 /* people who take part */
#define PERSON_LEAD 10
#define HOT_EVERY 100 /* one hot auction, bidder and seller in each hundred */
#define FIRST_ID 1000
#define CATEGORY_FIRST 10
#define CATEGORY_COUNT 5
#define BID_BYTES_FIXED 32 /* what the size of a bid counts beside its extra */
#define SHUFFLE 953        /* order within an out-of-order group */

/* Rows of one kind in the batch at hand. */
struct kind_rows {
	uint32_t *rows;
	uint32_t count;
	uint64_t *validity;
};

struct tr_nexmark_gen {
	struct tr_nexmark_config config;
	struct tr_nexmark_map map;
	const struct tr_nexmark_kernel *kernel;
	const struct tr_nexmark_channels *channels;
	uint32_t rows_max;
	uint32_t total; /* of the proportions */
	double delay_us;
	int64_t horizon_events;
	int64_t prices[TR_NEXMARK_PRICE_STEPS + 1];
	/* per row of the batch */
	int64_t *number;
	uint64_t *hash;
	int64_t *time_ms;
	int64_t *last_auction;
	int64_t *hot_auction;
	int64_t *last_person;
	int64_t *hot_bidder;
	uint32_t *channel;
	struct kind_rows kinds[TR_NEXMARK_KIND_COUNT];
};

void tr_nexmark_config_init(struct tr_nexmark_config *config)
{
	*config = (struct tr_nexmark_config){
		.base_time_ms = TR_NEXMARK_BASE_TIME_MS,
		.events_per_second = 10000,
		.person_proportion = 1,
		.auction_proportion = 3,
		.bid_proportion = 46,
		.person_bytes = 200,
		.auction_bytes = 500,
		.bid_bytes = 100,
		.hot_auction_ratio = 2,
		.hot_bidder_ratio = 4,
		.hot_seller_ratio = 4,
		.out_of_order_group = 1,
	};
}

/* 100 * 10^(6 i / steps) in fixed point. By products only, so that it is the same on every machine. */
static void make_prices(int64_t *table)
{
	const double factor = 0x1.037a2f29726fep+0; /* 10^(6 / 1024) */
	double price = 100;

	for (uint32_t i = 0; i <= TR_NEXMARK_PRICE_STEPS; i++, price *= factor)
		table[i] = (int64_t)(price * (1 << TR_NEXMARK_PRICE_BITS));
}

static void *rows_of(uint32_t rows, size_t size)
{
	void *p = aligned_alloc(64, ((size_t)rows * size + 64 + 63) & ~(size_t)63);

	TR_ASSERT(p != NULL);
	return p;
}

struct tr_nexmark_gen *tr_nexmark_gen_create(const struct tr_nexmark_config *config,
					     const struct tr_nexmark_channels *channels, const struct tr_schema *schema,
					     const struct tr_need *const *needs, uint32_t rows_max)
{
	struct tr_nexmark_gen *gen = tr_io_calloc(1, sizeof(*gen));

	TR_ASSERT(channels != NULL && rows_max >= 1 && rows_max <= TR_BATCH_ROWS_MAX);
	TR_ASSERT(config->events_per_second > 0 && config->out_of_order_group >= 1);
	gen->config = *config;
	gen->config.seed = tr_nexmark_mix(config->seed + UINT64_C(0xe7037ed1a0b428db));
	gen->kernel = tr_nexmark_kernel();
	gen->channels = channels;
	gen->rows_max = rows_max;
	gen->total = config->person_proportion + config->auction_proportion + config->bid_proportion;
	TR_ASSERT(gen->total > 0);
	gen->delay_us = 1000000.0 / config->events_per_second;
	gen->horizon_events = (int64_t)FLIGHT * gen->total / TR_MAX(config->auction_proportion, 1);
	tr_nexmark_map_init(&gen->map, schema, needs);
	make_prices(gen->prices);
	gen->number = rows_of(rows_max, sizeof(int64_t));
	gen->hash = rows_of(rows_max, sizeof(uint64_t));
	gen->time_ms = rows_of(rows_max, sizeof(int64_t));
	gen->last_auction = rows_of(rows_max, sizeof(int64_t));
	gen->hot_auction = rows_of(rows_max, sizeof(int64_t));
	gen->last_person = rows_of(rows_max, sizeof(int64_t));
	gen->hot_bidder = rows_of(rows_max, sizeof(int64_t));
	gen->channel = rows_of(rows_max, sizeof(uint32_t));
	for (uint32_t k = 0; k < TR_NEXMARK_KIND_COUNT; k++) {
		gen->kinds[k].rows = rows_of(rows_max, sizeof(uint32_t));
		gen->kinds[k].validity = rows_of((uint32_t)TR_BITMAP_WORDS(rows_max), sizeof(uint64_t));
	}
	return gen;
}

void tr_nexmark_gen_destroy(struct tr_nexmark_gen **gen)
{
	struct tr_nexmark_gen *g = *gen;

	*gen = NULL;
	if (g == NULL)
		return;
	free(g->number);
	free(g->hash);
	free(g->time_ms);
	free(g->last_auction);
	free(g->hot_auction);
	free(g->last_person);
	free(g->hot_bidder);
	free(g->channel);
	for (uint32_t k = 0; k < TR_NEXMARK_KIND_COUNT; k++) {
		free(g->kinds[k].rows);
		free(g->kinds[k].validity);
	}
	free(g);
}

static void set_bits(uint64_t *bits, uint32_t from, uint32_t count)
{
	while (count > 0) {
		const uint32_t bit = from & 63;
		const uint32_t part = TR_MIN(count, 64 - bit);

		bits[from >> 6] |= (~(uint64_t)0 >> (64 - part)) << bit;
		from += part;
		count -= part;
	}
}

/* Rows from .. from + count are events of one kind that see the same last person and last auction. */
static void place_run(struct tr_nexmark_gen *gen, uint32_t from, uint32_t count, enum tr_nexmark_kind kind,
		      int64_t last_person, int64_t last_auction)
{
	const int64_t hot_auction = last_auction / HOT_EVERY * HOT_EVERY;
	const int64_t hot_bidder = last_person / HOT_EVERY * HOT_EVERY + 1;
	struct kind_rows *rows = &gen->kinds[kind];
	uint32_t *restrict list = rows->rows + rows->count;

	for (uint32_t i = 0; i < count; i++) {
		list[i] = from + i;
		gen->last_auction[from + i] = last_auction;
		gen->hot_auction[from + i] = hot_auction;
		gen->last_person[from + i] = last_person;
		gen->hot_bidder[from + i] = hot_bidder;
	}
	set_bits(rows->validity, from, count);
	rows->count += count;
}

/* Places up to `most` rows from `from` on, beginning with event `number` and as far as they are one run. */
static uint32_t place_from(struct tr_nexmark_gen *gen, uint32_t from, uint32_t most, int64_t epoch, uint32_t offset)
{
	const uint32_t person = gen->config.person_proportion;
	const uint32_t auction = gen->config.auction_proportion;
	const int64_t people = epoch * person;
	const int64_t auctions = epoch * auction;
	uint32_t count = 1;

	if (offset < person) {
		place_run(gen, from, 1, TR_NEXMARK_PERSON, people + offset, auctions - 1);
	} else if (offset < person + auction) {
		place_run(gen, from, 1, TR_NEXMARK_AUCTION, people + person - 1, auctions + (offset - person));
	} else {
		count = TR_MIN(most, gen->total - offset);
		place_run(gen, from, count, TR_NEXMARK_BID, people + person - 1, auctions + auction - 1);
	}
	return count;
}

static void place(struct tr_nexmark_gen *gen, int64_t first, uint32_t count)
{
	const int64_t group = gen->config.out_of_order_group;
	const int64_t total = gen->total;

	for (uint32_t k = 0; k < TR_NEXMARK_KIND_COUNT; k++) {
		gen->kinds[k].count = 0;
		memset(gen->kinds[k].validity, 0, TR_BITMAP_WORDS(count) * sizeof(uint64_t));
	}
	if (group == 1) {
		int64_t epoch = first / total;
		uint32_t offset = (uint32_t)(first % total);

		for (uint32_t i = 0; i < count; i++)
			gen->number[i] = first + i;
		for (uint32_t i = 0; i < count;) {
			const uint32_t run = place_from(gen, i, count - i, epoch, offset);

			i += run;
			offset += run;
			if (offset == gen->total) {
				offset = 0;
				epoch++;
			}
		}
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const int64_t n = first + i;
		const int64_t number = n / group * group + n * SHUFFLE % group;

		gen->number[i] = number;
		place_from(gen, i, 1, number / total, (uint32_t)(number % total));
	}
}

/* Writes a validity of `count` rows; bits beyond are ones, as the buffer wants them. */
static void put_validity(struct tr_column_buffer *column, const uint64_t *validity, uint32_t count)
{
	const size_t words = TR_BITMAP_WORDS(count);

	if (count == 0)
		return;
	if (validity != NULL)
		memcpy(column->validity, validity, words * sizeof(uint64_t));
	else
		memset(column->validity, 0, words * sizeof(uint64_t));
	if (count % 64 != 0)
		column->validity[words - 1] |= ~(uint64_t)0 << (count % 64);
	column->has_nulls = true;
}

static void put_all_null(struct tr_column_buffer *column, uint32_t count)
{
	put_validity(column, NULL, count);
	for (uint32_t c = 0; c < column->child_count; c++)
		put_validity(&column->children[c], NULL, count);
}

static void fill_event_type(struct tr_nexmark_gen *gen, uint32_t count, int32_t *restrict out)
{
	for (uint32_t i = 0; i < count; i++)
		out[i] = TR_NEXMARK_BID;
	for (uint32_t k = 0; k < TR_NEXMARK_BID; k++)
		for (uint32_t i = 0; i < gen->kinds[k].count; i++)
			out[gen->kinds[k].rows[i]] = (int32_t)k;
}

/* How much of `average` is left for `extra`: least .. least + span - 1 letters. */
static void extra_range(uint32_t average, uint32_t fixed, uint32_t *least, uint32_t *span)
{
	const uint32_t wanted = average > fixed ? average - fixed : 0;
	const uint32_t delta = (wanted * 2 + 5) / 10;

	*least = wanted - delta;
	*span = delta > 0 ? 2 * delta : 1;
}

static char *heap_room(struct tr_batch_buffer *into, size_t bytes)
{
	return tr_arena_alloc_aligned(&into->heap.arena, bytes + TR_NEXMARK_TEXT_SLACK, 1);
}

static void fill_channels(struct tr_nexmark_gen *gen, struct tr_view *restrict channel, struct tr_view *restrict url)
{
	const struct kind_rows *bids = &gen->kinds[TR_NEXMARK_BID];
	const struct tr_nexmark_channels *table = gen->channels;

	for (uint32_t i = 0; i < bids->count; i++)
		gen->channel[i] = tr_nexmark_channel_of(gen->hash[bids->rows[i]]);
	for (uint32_t i = 0; channel != NULL && i < bids->count; i++)
		channel[bids->rows[i]] = table->channel[gen->channel[i]];
	for (uint32_t i = 0; url != NULL && i < bids->count; i++)
		url[bids->rows[i]] = table->url[gen->channel[i]];
}

static void fill_bids(struct tr_nexmark_gen *gen, uint32_t count, void *const *field, struct tr_batch_buffer *into)
{
	const struct tr_nexmark_kernel *kernel = gen->kernel;
	const struct tr_nexmark_config *config = &gen->config;
	const struct kind_rows *bids = &gen->kinds[TR_NEXMARK_BID];

	if (field[TR_BID_AUCTION] != NULL)
		kernel->auctions(config->hot_auction_ratio, FLIGHT, gen->hash, gen->last_auction, gen->hot_auction,
				 count, field[TR_BID_AUCTION]);
	if (field[TR_BID_BIDDER] != NULL)
		kernel->bidders(config->hot_bidder_ratio, ACTIVE, gen->hash, gen->last_person, gen->hot_bidder, count,
				field[TR_BID_BIDDER]);
	if (field[TR_BID_PRICE] != NULL)
		kernel->prices(gen->prices, gen->hash, count, field[TR_BID_PRICE]);
	if (field[TR_BID_CHANNEL] != NULL || field[TR_BID_URL] != NULL)
		fill_channels(gen, field[TR_BID_CHANNEL], field[TR_BID_URL]);
	if (field[TR_BID_TIME] != NULL)
		memcpy(field[TR_BID_TIME], gen->time_ms, count * sizeof(int64_t));
	if (field[TR_BID_EXTRA] != NULL) {
		uint32_t least, span;

		extra_range(config->bid_bytes, BID_BYTES_FIXED, &least, &span);
		kernel->bid_extras(gen->hash, bids->rows, bids->count, least, span,
				   heap_room(into, (size_t)bids->count * (least + span)), field[TR_BID_EXTRA]);
	}
}

static int64_t seller_of(const struct tr_nexmark_gen *gen, uint32_t row)
{
	const uint64_t bits = tr_nexmark_draw(gen->hash[row], TR_DRAW_SELLER);
	const int64_t people = gen->last_person[row] + 1;
	const int64_t living = TR_MIN(people, ACTIVE);

	if (tr_nexmark_below(bits >> 32, gen->config.hot_seller_ratio) > 0)
		return FIRST_ID + gen->last_person[row] / HOT_EVERY * HOT_EVERY;
	return FIRST_ID + people - living + (int64_t)tr_nexmark_below(bits, (uint64_t)(living + PERSON_LEAD));
}

static int64_t expiry_of(const struct tr_nexmark_gen *gen, uint32_t row)
{
	const int64_t ahead = gen->number[row] + gen->horizon_events;
	const int64_t future = gen->config.base_time_ms + (int64_t)((double)ahead * gen->delay_us) / 1000;
	const uint64_t span = (uint64_t)TR_MAX((future - gen->time_ms[row]) * 2, 1);
	const tr_u128 product = (tr_u128)tr_nexmark_draw(gen->hash[row], TR_DRAW_EXPIRES) * span;

	return gen->time_ms[row] + 1 + (int64_t)(product >> 64);
}

static void fill_auction_numbers(struct tr_nexmark_gen *gen, uint32_t row, void *const *field)
{
	const uint64_t hash = gen->hash[row];
	const int64_t price = tr_nexmark_price(gen->prices, tr_nexmark_draw(hash, TR_DRAW_INITIAL_BID));

	if (field[TR_AUCTION_ID] != NULL)
		((int64_t *)field[TR_AUCTION_ID])[row] = FIRST_ID + gen->last_auction[row];
	if (field[TR_AUCTION_INITIAL_BID] != NULL)
		((int64_t *)field[TR_AUCTION_INITIAL_BID])[row] = price;
	if (field[TR_AUCTION_RESERVE] != NULL)
		((int64_t *)field[TR_AUCTION_RESERVE])[row] =
			price + tr_nexmark_price(gen->prices, tr_nexmark_draw(hash, TR_DRAW_RESERVE));
	if (field[TR_AUCTION_TIME] != NULL)
		((int64_t *)field[TR_AUCTION_TIME])[row] = gen->time_ms[row];
	if (field[TR_AUCTION_EXPIRES] != NULL)
		((int64_t *)field[TR_AUCTION_EXPIRES])[row] = expiry_of(gen, row);
	if (field[TR_AUCTION_SELLER] != NULL)
		((int64_t *)field[TR_AUCTION_SELLER])[row] = seller_of(gen, row);
	if (field[TR_AUCTION_CATEGORY] != NULL)
		((int64_t *)field[TR_AUCTION_CATEGORY])[row] =
			CATEGORY_FIRST +
			(int64_t)tr_nexmark_below(tr_nexmark_draw(hash, TR_DRAW_CATEGORY), CATEGORY_COUNT);
}

static void fill_auctions(struct tr_nexmark_gen *gen, void *const *field, struct tr_batch_buffer *into)
{
	const struct kind_rows *rows = &gen->kinds[TR_NEXMARK_AUCTION];
	const bool has_extra = field[TR_AUCTION_EXTRA] != NULL;
	const bool has_text = has_extra || field[TR_AUCTION_NAME] != NULL || field[TR_AUCTION_DESCRIPTION] != NULL;
	char *heap = NULL;

	if (has_text)
		heap = heap_room(into, (size_t)rows->count * tr_nexmark_auction_bytes_max(gen->config.auction_bytes));
	for (uint32_t i = 0; i < rows->count; i++) {
		const uint32_t row = rows->rows[i];
		struct tr_nexmark_auction_text text;

		fill_auction_numbers(gen, row, field);
		if (!has_text)
			continue;
		heap = tr_nexmark_auction_text(gen->kernel, gen->hash[row], gen->config.auction_bytes, has_extra, heap,
					       &text);
		if (field[TR_AUCTION_NAME] != NULL)
			((struct tr_view *)field[TR_AUCTION_NAME])[row] = text.name;
		if (field[TR_AUCTION_DESCRIPTION] != NULL)
			((struct tr_view *)field[TR_AUCTION_DESCRIPTION])[row] = text.description;
		if (has_extra)
			((struct tr_view *)field[TR_AUCTION_EXTRA])[row] = text.extra;
	}
}

static void fill_people(struct tr_nexmark_gen *gen, void *const *field, struct tr_batch_buffer *into)
{
	static const uint8_t text_fields[] = {TR_PERSON_NAME, TR_PERSON_EMAIL, TR_PERSON_CARD,
					      TR_PERSON_CITY, TR_PERSON_STATE, TR_PERSON_EXTRA};
	const struct kind_rows *rows = &gen->kinds[TR_NEXMARK_PERSON];
	const bool has_extra = field[TR_PERSON_EXTRA] != NULL;
	bool has_text = false;
	char *heap = NULL;

	for (size_t t = 0; t < TR_COUNT_OF(text_fields); t++)
		has_text |= field[text_fields[t]] != NULL;
	if (has_text)
		heap = heap_room(into, (size_t)rows->count * tr_nexmark_person_bytes_max(gen->config.person_bytes));
	for (uint32_t i = 0; i < rows->count; i++) {
		const uint32_t row = rows->rows[i];
		struct tr_nexmark_person_text text;

		if (field[TR_PERSON_ID] != NULL)
			((int64_t *)field[TR_PERSON_ID])[row] = FIRST_ID + gen->last_person[row];
		if (field[TR_PERSON_TIME] != NULL)
			((int64_t *)field[TR_PERSON_TIME])[row] = gen->time_ms[row];
		if (!has_text)
			continue;
		heap = tr_nexmark_person_text(gen->kernel, gen->hash[row], gen->config.person_bytes, has_extra, heap,
					      &text);
		for (size_t t = 0; t < TR_COUNT_OF(text_fields); t++)
			if (field[text_fields[t]] != NULL)
				((struct tr_view *)field[text_fields[t]])[row] = text.field[text_fields[t]];
	}
}

/* One of the three ROW columns: validity of the row and of its fields, then the values of those that are needed. */
static void fill_kind(struct tr_nexmark_gen *gen, enum tr_nexmark_kind kind, uint32_t count,
		      struct tr_batch_buffer *into)
{
	const struct tr_nexmark_row_map *map = &gen->map.rows[kind];
	const struct kind_rows *rows = &gen->kinds[kind];
	struct tr_column_buffer *column = &into->columns[map->column];
	void *field[TR_NEXMARK_FIELDS_MAX] = {NULL};

	if (map->needed_count == 0) {
		put_all_null(column, count);
		return;
	}
	if (rows->count < count)
		put_validity(column, rows->validity, count);
	for (uint32_t f = 0; f < column->child_count; f++) {
		const bool is_needed = map->is_needed[f];

		if (is_needed)
			field[map->field[f]] = column->children[f].data;
		if (!is_needed || rows->count < count)
			put_validity(&column->children[f], is_needed ? rows->validity : NULL, count);
	}
	if (kind == TR_NEXMARK_BID)
		fill_bids(gen, count, field, into);
	else if (kind == TR_NEXMARK_AUCTION)
		fill_auctions(gen, field, into);
	else
		fill_people(gen, field, into);
}

void tr_nexmark_gen_fill(struct tr_nexmark_gen *gen, int64_t first, uint32_t count, struct tr_batch_buffer *into)
{
	const struct tr_nexmark_map *map = &gen->map;

	TR_ASSERT(first >= 0 && count <= gen->rows_max && count <= into->capacity);
	place(gen, first, count);
	if (map->is_random)
		gen->kernel->hashes(gen->config.seed, gen->number, count, gen->hash);
	if (map->is_timed)
		gen->kernel->times(gen->config.base_time_ms, gen->delay_us, gen->number, count, gen->time_ms);
	if (map->event_type >= 0) {
		if (map->is_event_type_needed)
			fill_event_type(gen, count, into->columns[map->event_type].data);
		else
			put_all_null(&into->columns[map->event_type], count);
	}
	for (uint32_t k = 0; k < TR_NEXMARK_KIND_COUNT; k++)
		if (map->rows[k].column >= 0)
			fill_kind(gen, (enum tr_nexmark_kind)k, count, into);
	tr_batch_buffer_seal(into, count);
}
