/* SPDX-License-Identifier: Apache-2.0
 *
 * The Nexmark generator against the data rules, written once more here in the simplest way, one event at a time.
 */
#include "io/nexmark_gen.h"

#include <math.h>

#include "base/cpu.h"
#include "base/type.h"
#include "io/nexmark_kernel.h"
#include "io/nexmark_schema.h"
#include "tr_test.h"

struct fixture {
	struct tr_arena arena;
	struct tr_schema schema;
	struct tr_nexmark_config config;
	struct tr_nexmark_channels *channels;
};

static const char *const column_names[] = {"event_type", "person", "auction", "bid"};
static const char *const person_names[] = {"id",   "name",  "emailAddress", "creditCard",
					   "city", "state", "dateTime",     "extra"};
static const char person_types[] = "issssst"
				   "s";
static const char *const auction_names[] = {"id",       "itemName", "description", "initialBid", "reserve",
					    "dateTime", "expires",  "seller",      "category",   "extra"};
static const char auction_types[] = "issiittiis";
static const char *const bid_names[] = {"auction", "bidder", "price", "channel", "url", "dateTime", "extra"};
static const char bid_types[] = "iiissts";

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

static void fixture_init(struct fixture *f, uint64_t seed)
{
	const struct tr_type **types;

	memset(f, 0, sizeof(*f));
	tr_arena_init(&f->arena, 0);
	types = TR_NEW_ARRAY(&f->arena, 4, const struct tr_type *);
	types[0] = tr_type_of(TR_TYPE_INT);
	types[1] = row_type(&f->arena, person_names, person_types);
	types[2] = row_type(&f->arena, auction_names, auction_types);
	types[3] = row_type(&f->arena, bid_names, bid_types);
	f->schema = (struct tr_schema){4, column_names, types};
	tr_nexmark_config_init(&f->config);
	f->config.seed = seed;
	f->channels = tr_nexmark_channels_create(seed);
}

static void fixture_deinit(struct fixture *f)
{
	tr_nexmark_channels_destroy(&f->channels);
	tr_arena_deinit(&f->arena);
}

/* ---- rendering: a row as text, NULLs included ---- */

static size_t put_column(const struct tr_column *column, uint32_t row, char *out, size_t size)
{
	size_t n = 0;

	if (tr_column_is_null(column, row))
		return (size_t)snprintf(out, size, "~");
	switch (column->type->phys) {
	case TR_PHYS_I32: return (size_t)snprintf(out, size, "%d", tr_column_i32(column, row));
	case TR_PHYS_I64: return (size_t)snprintf(out, size, "%lld", (long long)tr_column_i64(column, row));
	case TR_PHYS_VIEW: {
		const struct tr_view *view = tr_column_view(column, row);

		return (size_t)snprintf(out, size, "'%.*s'", (int)view->length, tr_view_text(view));
	}
	default: assert_int_equal(column->type->phys, TR_PHYS_ROW);
	}
	for (uint32_t c = 0; c < column->type->child_count; c++) {
		n += (size_t)snprintf(out + n, size - n, "%c", c == 0 ? '(' : ',');
		n += put_column(&column->children[c], row, out + n, size - n);
	}
	return n + (size_t)snprintf(out + n, size - n, ")");
}

static char *render(const struct tr_batch *batch, uint32_t row)
{
	const size_t size = 4096;
	char *out = malloc(size);
	size_t n = 0;

	for (uint32_t c = 0; c < batch->schema->column_count; c++) {
		n += put_column(&batch->columns[c], row, out + n, size - n);
		n += (size_t)snprintf(out + n, size - n, ";");
	}
	assert_true(n < size);
	return out;
}

static char **render_events(const struct fixture *f, const struct tr_need *const *needs, int64_t first, uint32_t count,
			    uint32_t step)
{
	struct tr_nexmark_gen *gen = tr_nexmark_gen_create(&f->config, f->channels, &f->schema, needs, step);
	struct tr_batch_buffer *buffer = tr_batch_buffer_create(&f->schema, step);
	char **rows = calloc(count, sizeof(*rows));

	for (uint32_t at = 0; at < count; at += step) {
		const uint32_t part = count - at < step ? count - at : step;

		tr_batch_buffer_clear(buffer);
		tr_nexmark_gen_fill(gen, first + at, part, buffer);
		assert_int_equal(buffer->batch.row_count, part);
		for (uint32_t i = 0; i < part; i++)
			rows[at + i] = render(&buffer->batch, i);
	}
	tr_batch_buffer_destroy(&buffer);
	tr_nexmark_gen_destroy(&gen);
	return rows;
}

static void free_rows(char **rows, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		free(rows[i]);
	free(rows);
}

/* ---- the rules, one event at a time ---- */

struct model {
	int kind;
	int64_t time_ms, last_person, last_auction;
};

static struct model model_of(const struct tr_nexmark_config *c, int64_t n)
{
	const int64_t p = c->person_proportion, a = c->auction_proportion, total = p + a + c->bid_proportion;
	const int64_t e = n / total, o = n % total;
	struct model m;

	m.kind = o < p ? 0 : o < p + a ? 1 : 2;
	m.time_ms = c->base_time_ms + (int64_t)((double)n * (1e6 / c->events_per_second)) / 1000;
	m.last_person = e * p + (o < p ? o : p - 1);
	m.last_auction = o < p ? (e - 1) * a + a - 1 : o < p + a ? e * a + (o - p) : e * a + a - 1;
	return m;
}

static int64_t field_i64(const struct tr_batch *batch, uint32_t column, uint32_t field, uint32_t row)
{
	assert_false(tr_column_is_null(&batch->columns[column].children[field], row));
	return tr_column_i64(&batch->columns[column].children[field], row);
}

static const struct tr_view *field_view(const struct tr_batch *batch, uint32_t column, uint32_t field, uint32_t row)
{
	assert_false(tr_column_is_null(&batch->columns[column].children[field], row));
	return tr_column_view(&batch->columns[column].children[field], row);
}

static void check_person_id(int64_t id, int64_t last_person, int64_t first_id, int64_t hot)
{
	const int64_t people = last_person + 1;
	const int64_t living = people < 1000 ? people : 1000;

	if (id == first_id + hot)
		return;
	assert_in_range(id - first_id, people - living, people + 9);
}

static void check_bid(const struct tr_batch *batch, uint32_t row, const struct model *m)
{
	const int64_t auction = field_i64(batch, 3, TR_BID_AUCTION, row) - 1000;
	const int64_t price = field_i64(batch, 3, TR_BID_PRICE, row);
	const struct tr_view *url = field_view(batch, 3, TR_BID_URL, row);

	if (auction != m->last_auction / 100 * 100) {
		assert_true(auction >= 0 && auction >= m->last_auction - 100);
		assert_true(auction <= m->last_auction + 10);
	}
	check_person_id(field_i64(batch, 3, TR_BID_BIDDER, row), m->last_person, 2000, m->last_person / 100 * 100 + 1);
	assert_in_range(price, 100, 99999999);
	assert_int_equal(field_i64(batch, 3, TR_BID_TIME, row), m->time_ms);
	assert_memory_equal(tr_view_text(url), "https://www.nexmark.com/", 24);
	assert_in_range(field_view(batch, 3, TR_BID_EXTRA, row)->length, 54, 81);
}

static void check_auction(const struct tr_batch *batch, uint32_t row, const struct model *m)
{
	const int64_t bid = field_i64(batch, 2, TR_AUCTION_INITIAL_BID, row);
	const int64_t reserve = field_i64(batch, 2, TR_AUCTION_RESERVE, row);
	const int64_t expires = field_i64(batch, 2, TR_AUCTION_EXPIRES, row);

	assert_int_equal(field_i64(batch, 2, TR_AUCTION_ID, row), 1000 + m->last_auction);
	assert_in_range(bid, 100, 99999999);
	assert_in_range(reserve - bid, 100, 99999999);
	assert_int_equal(field_i64(batch, 2, TR_AUCTION_TIME, row), m->time_ms);
	/* 100 auctions are opened in 1,666 events of 100 us. */
	assert_in_range(expires - m->time_ms, 1, 2 * 167);
	assert_in_range(field_i64(batch, 2, TR_AUCTION_CATEGORY, row), 10, 14);
	check_person_id(field_i64(batch, 2, TR_AUCTION_SELLER, row), m->last_person, 1000, m->last_person / 100 * 100);
	assert_in_range(field_view(batch, 2, TR_AUCTION_NAME, row)->length, 0, 19);
	assert_in_range(field_view(batch, 2, TR_AUCTION_DESCRIPTION, row)->length, 0, 99);
}

static void check_person(const struct tr_batch *batch, uint32_t row, const struct model *m)
{
	const struct tr_view *email = field_view(batch, 1, TR_PERSON_EMAIL, row);
	const struct tr_view *card = field_view(batch, 1, TR_PERSON_CARD, row);

	assert_int_equal(field_i64(batch, 1, TR_PERSON_ID, row), 1000 + m->last_person);
	assert_int_equal(field_i64(batch, 1, TR_PERSON_TIME, row), m->time_ms);
	assert_non_null(memchr(tr_view_text(email), '@', email->length));
	assert_memory_equal(tr_view_text(email) + email->length - 4, ".com", 4);
	assert_int_equal(card->length, 19);
	for (uint32_t i = 0; i < 19; i++)
		assert_true(i % 5 == 4 ? tr_view_text(card)[i] == ' '
				       : tr_view_text(card)[i] >= '0' && tr_view_text(card)[i] <= '9');
	assert_int_equal(field_view(batch, 1, TR_PERSON_STATE, row)->length, 2);
}

static void check_events(const struct fixture *f, int64_t first, uint32_t count)
{
	struct tr_nexmark_gen *gen = tr_nexmark_gen_create(&f->config, f->channels, &f->schema, NULL, count);
	struct tr_batch_buffer *buffer = tr_batch_buffer_create(&f->schema, count);
	const struct tr_batch *batch = &buffer->batch;

	tr_nexmark_gen_fill(gen, first, count, buffer);
	for (uint32_t i = 0; i < count; i++) {
		const struct model m = model_of(&f->config, first + i);

		assert_int_equal(tr_column_i32(&batch->columns[0], i), m.kind);
		for (int k = 0; k < 3; k++) {
			const struct tr_column *column = &batch->columns[1 + k];

			assert_int_equal(tr_column_is_null(column, i), k != m.kind);
			for (uint32_t c = 0; c < column->type->child_count; c++)
				assert_int_equal(tr_column_is_null(&column->children[c], i), k != m.kind);
		}
		if (m.kind == 2)
			check_bid(batch, i, &m);
		else if (m.kind == 1)
			check_auction(batch, i, &m);
		else
			check_person(batch, i, &m);
	}
	tr_batch_buffer_destroy(&buffer);
	tr_nexmark_gen_destroy(&gen);
}

static void rules_hold(void **state)
{
	struct fixture f;

	fixture_init(&f, 7);
	check_events(&f, 0, 1);
	check_events(&f, 0, 2048);
	check_events(&f, 2048, 2001);
	check_events(&f, INT64_C(1000000000007), 777);
	fixture_deinit(&f);
}

static void rules_hold_for_other_proportions(void **state)
{
	static const uint32_t cases[][3] = {{2, 3, 45}, {0, 3, 7}, {1, 0, 9}, {0, 0, 1},
					    {1, 0, 0},  {0, 1, 0}, {5, 1, 0}};
	struct fixture f;

	fixture_init(&f, 8);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tr_nexmark_gen *gen;
		struct tr_batch_buffer *buffer = tr_batch_buffer_create(&f.schema, 500);

		f.config.person_proportion = cases[i][0];
		f.config.auction_proportion = cases[i][1];
		f.config.bid_proportion = cases[i][2];
		gen = tr_nexmark_gen_create(&f.config, f.channels, &f.schema, NULL, 500);
		tr_nexmark_gen_fill(gen, 12345, 500, buffer);
		for (uint32_t row = 0; row < 500; row++) {
			const struct model m = model_of(&f.config, 12345 + row);

			assert_int_equal(tr_column_i32(&buffer->batch.columns[0], row), m.kind);
			for (int k = 0; k < 3; k++)
				assert_int_equal(tr_column_is_null(&buffer->batch.columns[1 + k], row), k != m.kind);
			if (m.kind == 0)
				assert_int_equal(field_i64(&buffer->batch, 1, TR_PERSON_ID, row), 1000 + m.last_person);
			if (m.kind == 1)
				assert_int_equal(field_i64(&buffer->batch, 2, TR_AUCTION_ID, row),
						 1000 + m.last_auction);
		}
		tr_nexmark_gen_destroy(&gen);
		tr_batch_buffer_destroy(&buffer);
	}
	fixture_deinit(&f);
}

static void batches_do_not_matter(void **state)
{
	static const uint32_t steps[] = {1, 7, 64, 333, 2048};
	const uint32_t count = 2500;
	struct fixture f;
	char **expected;

	fixture_init(&f, 9);
	expected = render_events(&f, NULL, 4321, count, count);
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		char **rows = render_events(&f, NULL, 4321, count, steps[s]);

		for (uint32_t i = 0; i < count; i++)
			assert_string_equal(rows[i], expected[i]);
		free_rows(rows, count);
	}
	free_rows(expected, count);
	fixture_deinit(&f);
}

static void seeds_matter(void **state)
{
	struct fixture a, b;
	char **rows_a, **rows_b;
	uint32_t equal = 0;

	fixture_init(&a, 1);
	fixture_init(&b, 2);
	rows_a = render_events(&a, NULL, 0, 500, 500);
	rows_b = render_events(&b, NULL, 0, 500, 500);
	for (uint32_t i = 0; i < 500; i++)
		equal += strcmp(rows_a[i], rows_b[i]) == 0;
	assert_int_equal(equal, 0);
	free_rows(rows_a, 500);
	free_rows(rows_b, 500);
	fixture_deinit(&a);
	fixture_deinit(&b);
}

/* What is needed is what a full row would have; what is not is NULL. */
static void only_needed_fields_are_made(void **state)
{
	static const struct tr_need whole = {.is_whole = true};
	const struct tr_need *bid_fields[7] = {[TR_BID_PRICE] = &whole, [TR_BID_EXTRA] = &whole};
	const struct tr_need *auction_fields[10] = {[TR_AUCTION_EXTRA] = &whole, [TR_AUCTION_EXPIRES] = &whole};
	const struct tr_need bid = {.children = bid_fields}, auction = {.children = auction_fields};
	const struct tr_need *needs[4] = {NULL, NULL, &auction, &bid};
	struct fixture f;
	struct tr_nexmark_gen *full, *part;
	struct tr_batch_buffer *all, *some;

	fixture_init(&f, 10);
	full = tr_nexmark_gen_create(&f.config, f.channels, &f.schema, NULL, 1000);
	part = tr_nexmark_gen_create(&f.config, f.channels, &f.schema, needs, 1000);
	all = tr_batch_buffer_create(&f.schema, 1000);
	some = tr_batch_buffer_create(&f.schema, 1000);
	tr_nexmark_gen_fill(full, 99, 1000, all);
	tr_nexmark_gen_fill(part, 99, 1000, some);
	for (uint32_t row = 0; row < 1000; row++) {
		assert_true(tr_column_is_null(&some->batch.columns[0], row));
		assert_true(tr_column_is_null(&some->batch.columns[1], row));
		for (uint32_t c = 2; c < 4; c++) {
			const struct tr_column *have = &some->batch.columns[c], *want = &all->batch.columns[c];
			const struct tr_need *const *children = c == 2 ? auction_fields : bid_fields;

			assert_int_equal(tr_column_is_null(have, row), tr_column_is_null(want, row));
			for (uint32_t k = 0; k < have->type->child_count; k++) {
				char a[2048], b[2048];

				if (children[k] == NULL) {
					assert_true(tr_column_is_null(&have->children[k], row));
					continue;
				}
				put_column(&have->children[k], row, a, sizeof(a));
				put_column(&want->children[k], row, b, sizeof(b));
				assert_string_equal(a, b);
			}
		}
	}
	tr_batch_buffer_destroy(&all);
	tr_batch_buffer_destroy(&some);
	tr_nexmark_gen_destroy(&full);
	tr_nexmark_gen_destroy(&part);
	fixture_deinit(&f);
}

static int compare_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void disorder_keeps_the_events(void **state)
{
	const uint32_t count = 2000;
	struct fixture f;
	char **ordered, **shuffled;
	uint32_t moved = 0;

	fixture_init(&f, 11);
	ordered = render_events(&f, NULL, 0, count, 300);
	f.config.out_of_order_group = 100;
	shuffled = render_events(&f, NULL, 0, count, 300);
	for (uint32_t i = 0; i < count; i++) {
		moved += strcmp(shuffled[i], ordered[i]) != 0;
		assert_string_equal(shuffled[i], ordered[i / 100 * 100 + (uint64_t)i * 953 % 100]);
	}
	assert_true(moved > count / 2);
	qsort(ordered, count, sizeof(*ordered), compare_text);
	qsort(shuffled, count, sizeof(*shuffled), compare_text);
	for (uint32_t i = 0; i < count; i++)
		assert_string_equal(shuffled[i], ordered[i]);
	free_rows(ordered, count);
	free_rows(shuffled, count);
	fixture_deinit(&f);
}

/* Shares and means over 200,000 events, each within five standard deviations or so. */
static void distributions_are_right(void **state)
{
	const uint32_t step = 2000, steps = 100;
	double bids = 0, hot_auctions = 0, hot_bidders = 0, log_price = 0, low_prices = 0, extra = 0, hot_channels = 0;
	double with_id = 0, cold_channels = 0, auctions = 0, hot_sellers = 0, auction_bytes = 0, letters[26] = {0};
	double people = 0, person_bytes = 0, all_letters = 0;
	struct fixture f;
	struct tr_nexmark_gen *gen;
	struct tr_batch_buffer *buffer;

	fixture_init(&f, 12);
	gen = tr_nexmark_gen_create(&f.config, f.channels, &f.schema, NULL, step);
	buffer = tr_batch_buffer_create(&f.schema, step);
	for (uint32_t s = 0; s < steps; s++) {
		const int64_t first = 1000000 + (int64_t)s * step;
		const struct tr_batch *batch = &buffer->batch;

		tr_batch_buffer_clear(buffer);
		tr_nexmark_gen_fill(gen, first, step, buffer);
		for (uint32_t i = 0; i < step; i++) {
			const struct model m = model_of(&f.config, first + i);

			if (m.kind == 0) {
				people++;
				person_bytes += 8;
				for (uint32_t c = TR_PERSON_NAME; c <= TR_PERSON_EXTRA; c++)
					if (c != TR_PERSON_TIME)
						person_bytes += field_view(batch, 1, c, i)->length;
			} else if (m.kind == 1) {
				auctions++;
				hot_sellers +=
					field_i64(batch, 2, TR_AUCTION_SELLER, i) - 1000 == m.last_person / 100 * 100;
				auction_bytes += 48.0 + field_view(batch, 2, TR_AUCTION_NAME, i)->length +
						 field_view(batch, 2, TR_AUCTION_DESCRIPTION, i)->length +
						 field_view(batch, 2, TR_AUCTION_EXTRA, i)->length;
			} else {
				const int64_t price = field_i64(batch, 3, TR_BID_PRICE, i);
				const struct tr_view *text = field_view(batch, 3, TR_BID_EXTRA, i);
				const struct tr_view *channel = field_view(batch, 3, TR_BID_CHANNEL, i);
				const struct tr_view *url = field_view(batch, 3, TR_BID_URL, i);
				const bool is_cold = memcmp(tr_view_text(channel), "channel-", 8) == 0;

				bids++;
				hot_auctions +=
					field_i64(batch, 3, TR_BID_AUCTION, i) - 1000 == m.last_auction / 100 * 100;
				hot_bidders +=
					field_i64(batch, 3, TR_BID_BIDDER, i) - 2000 == m.last_person / 100 * 100 + 1;
				log_price += log10((double)price);
				low_prices += price < 1000;
				extra += text->length;
				hot_channels += !is_cold;
				cold_channels += is_cold;
				with_id +=
					is_cold && memmem(tr_view_text(url), url->length, "&channel_id=", 12) != NULL;
				for (uint32_t c = 0; c < text->length; c++) {
					assert_in_range(tr_view_text(text)[c], 'a', 'z');
					letters[tr_view_text(text)[c] - 'a']++;
					all_letters++;
				}
			}
		}
	}
	assert_true(fabs(hot_auctions / bids - 0.5) < 0.02); /* the uniform half hits the hot one now and then */
	assert_true(fabs(hot_bidders / bids - 0.75) < 0.01);
	assert_true(fabs(hot_sellers / auctions - 0.75) < 0.03);
	assert_true(fabs(log_price / bids - 5) < 0.025);
	assert_true(fabs(low_prices / bids - 1.0 / 6) < 0.006);
	assert_true(fabs(extra / bids - 67.5) < 0.2);
	assert_true(fabs(hot_channels / bids - 0.5) < 0.007);
	assert_true(fabs(with_id / cold_channels - 0.9) < 0.02);
	assert_true(fabs(auction_bytes / auctions - 500) < 5);
	assert_true(fabs(person_bytes / people - 200) < 3);
	for (uint32_t c = 0; c < 26; c++)
		assert_true(fabs(letters[c] / all_letters * 26 - 1) < 0.1);
	tr_batch_buffer_destroy(&buffer);
	tr_nexmark_gen_destroy(&gen);
	fixture_deinit(&f);
}

TR_ISA_DECLARE(struct tr_nexmark_kernel, tr_nexmark_kernel_isa);

#define KERNEL_ROWS 517
struct kernel_output {
	uint64_t hash[KERNEL_ROWS];
	int64_t time_ms[KERNEL_ROWS], auction[KERNEL_ROWS], bidder[KERNEL_ROWS], price[KERNEL_ROWS];
	char letters[1000 + TR_NEXMARK_TEXT_SLACK], text[1000 + TR_NEXMARK_TEXT_SLACK];
};

static void run_kernel(const struct tr_nexmark_kernel *kernel, struct kernel_output *out)
{
	int64_t number[KERNEL_ROWS], last[KERNEL_ROWS], hot[KERNEL_ROWS], table[TR_NEXMARK_PRICE_STEPS + 1];
	uint64_t seed = 5;

	for (uint32_t i = 0; i < KERNEL_ROWS; i++) {
		number[i] = (int64_t)(tr_test_random(&seed) >> 20);
		last[i] = (int64_t)(tr_test_random(&seed) >> (30 + i % 33)) - 1;
		hot[i] = last[i] / 100 * 100;
	}
	for (uint32_t i = 0; i <= TR_NEXMARK_PRICE_STEPS; i++)
		table[i] = (int64_t)(100 * pow(10, 6.0 * i / TR_NEXMARK_PRICE_STEPS) * (1 << TR_NEXMARK_PRICE_BITS));
	memset(out, 0, sizeof(*out));
	kernel->hashes(77, number, KERNEL_ROWS, out->hash);
	kernel->times(TR_NEXMARK_BASE_TIME_MS, 13.7, number, KERNEL_ROWS, out->time_ms);
	kernel->auctions(2, 100, out->hash, last, hot, KERNEL_ROWS, out->auction);
	kernel->bidders(4, 1000, out->hash, last, hot, KERNEL_ROWS, out->bidder);
	kernel->prices(table, out->hash, KERNEL_ROWS, out->price);
	kernel->letters(out->letters, 1000, out->hash[3]);
	memset(out->letters + 1000, 0, TR_NEXMARK_TEXT_SLACK);
	kernel->text(out->text, 999, out->hash[4], '_');
	memset(out->text + 999, 0, TR_NEXMARK_TEXT_SLACK);
}

static void kernels_agree(void **state)
{
	static struct kernel_output v2, other;

	run_kernel(&tr_nexmark_kernel_isa_v2, &v2);
	if (tr_cpu_isa() >= TR_ISA_V3) {
		run_kernel(&tr_nexmark_kernel_isa_v3, &other);
		assert_memory_equal(&v2, &other, sizeof(v2));
	}
	if (tr_cpu_isa() >= TR_ISA_V4) {
		run_kernel(&tr_nexmark_kernel_isa_v4, &other);
		assert_memory_equal(&v2, &other, sizeof(v2));
	}
	for (uint32_t i = 0; i < KERNEL_ROWS; i++) { /* the table against the formula */
		uint64_t bits = v2.hash[i] + (uint64_t)TR_DRAW_PRICE * UINT64_C(0x9e3779b97f4a7c15);
		double price;

		bits = tr_nexmark_mix(bits);
		price = 100 * pow(10, 6 * (double)(bits >> 34) / (double)(1 << 30));
		assert_true(fabs((double)v2.price[i] - price) <= price * 3e-5 + 0.51);
	}
}

static void schemas_are_checked(void **state)
{
	struct fixture f;
	struct tr_status st = {0};
	const char *names[1] = {"bids"};
	const struct tr_type *types[1];
	struct tr_schema schema = {1, names, types};
	const char *const field_names[2] = {"auction", "bider"};
	const struct tr_type *fields[2] = {tr_type_of(TR_TYPE_BIGINT), tr_type_of(TR_TYPE_BIGINT)};

	fixture_init(&f, 1);
	assert_int_equal(tr_nexmark_gen_check(&f.schema, &st), TR_OK);
	types[0] = f.schema.types[3];
	assert_int_equal(tr_nexmark_gen_check(&schema, &st), TR_ERR_DATA);
	assert_non_null(strstr(st.message, "did you mean 'bid'?"));
	names[0] = "bid";
	types[0] = tr_type_row(&f.arena, field_names, fields, 2);
	assert_int_equal(tr_nexmark_gen_check(&schema, &st), TR_ERR_DATA);
	assert_non_null(strstr(st.message, "did you mean 'bidder'?"));
	fields[0] = tr_type_of(TR_TYPE_INT);
	types[0] = tr_type_row(&f.arena, field_names, fields, 1);
	assert_int_equal(tr_nexmark_gen_check(&schema, &st), TR_ERR_DATA);
	assert_non_null(strstr(st.message, "field 'auction' of column 'bid' must be of type BIGINT"));
	types[0] = tr_type_of(TR_TYPE_BIGINT);
	assert_int_equal(tr_nexmark_gen_check(&schema, &st), TR_ERR_DATA);
	assert_non_null(strstr(st.message, "must be a ROW"));
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_hold),
		cmocka_unit_test(rules_hold_for_other_proportions),
		cmocka_unit_test(batches_do_not_matter),
		cmocka_unit_test(seeds_matter),
		cmocka_unit_test(only_needed_fields_are_made),
		cmocka_unit_test(disorder_keeps_the_events),
		cmocka_unit_test(distributions_are_right),
		cmocka_unit_test(kernels_agree),
		cmocka_unit_test(schemas_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
