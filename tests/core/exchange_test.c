/* SPDX-License-Identifier: Apache-2.0
 *
 * Exchange: what arrives at all targets together is what was sent, for all types, 1 to 8 targets, few credits; equal
 * keys meet at one target; runs, kinds and control keep their place; what is broadcast arrives at each.
 *
 * Rows carry a number (column 0); the other columns hold values made from it. So each row that arrives can be made again
 * and compared value by value.
 */
#include "tr_test.h"

#include "base/type.h"
#include "core/chain.h"
#include "core/exchange.h"

#define ROWS 700
#define TARGETS_MAX 8
#define COLUMNS 13

struct fixture {
	struct tr_arena arena;
	const struct tr_type *types[COLUMNS];
	const char *names[COLUMNS];
	struct tr_schema schema;
	struct tr_channel channels[TARGETS_MAX];
	struct tr_wake_set wakes[2];
	struct tr_op_context context;
	struct tr_op *exchange;
	struct tr_chain chain;
	struct tr_op head;
	uint32_t targets;
	uint32_t seen[ROWS]; /* how often */
	int8_t target[ROWS]; /* where */
	int64_t seen_run[ROWS];
	uint8_t seen_kind[ROWS];
	int64_t watermarks[TARGETS_MAX];
	bool is_idle[TARGETS_MAX];
	bool is_end[TARGETS_MAX];
};

/** By number: to target n mod count; ROWS / 2 to one that does not exist where there are 5. */
static tr_code choose(const struct tr_partitioner *self, const struct tr_batch *batch, uint32_t count,
		      uint32_t *targets, struct tr_status *st)
{
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const int32_t n = tr_column_i32(&batch->columns[0], tr_batch_row(batch, i));

		targets[i] = count == 5 && n == ROWS / 2 ? 5 : (uint32_t)n % count;
	}
	return TR_OK;
}

static const struct tr_partitioner PARTITIONER = {choose, "the partitioner"};

static struct fixture *fixture_create(uint32_t targets, uint32_t credits, enum tr_exchange_kind kind, uint32_t key)
{
	struct fixture *f = aligned_alloc(64, (sizeof(*f) + 63) / 64 * 64);
	struct tr_channel *channels[TARGETS_MAX];
	struct tr_arena *a;

	memset(f, 0, sizeof(*f));
	a = &f->arena;
	tr_arena_init(a, 0);
	f->types[0] = tr_type_of(TR_TYPE_INT);
	f->types[1] = tr_type_of(TR_TYPE_BOOLEAN);
	f->types[2] = tr_type_of(TR_TYPE_SMALLINT);
	f->types[3] = tr_type_of(TR_TYPE_BIGINT);
	f->types[4] = tr_type_decimal(a, 30, 2);
	f->types[5] = tr_type_of(TR_TYPE_FLOAT);
	f->types[6] = tr_type_of(TR_TYPE_DOUBLE);
	f->types[7] = tr_type_of(TR_TYPE_VARCHAR);
	f->types[8] = tr_type_array(a, f->types[3]);
	f->types[9] = tr_type_map(a, f->types[7], f->types[3]);
	f->names[0] = "n";
	f->names[1] = "s";
	f->types[10] = tr_type_row(a, f->names, (const struct tr_type *const[]){f->types[0], f->types[7]}, 2);
	f->types[11] = tr_type_of(TR_TYPE_NULL);
	f->types[12] = tr_type_of(TR_TYPE_DATE);
	for (uint32_t i = 0; i < COLUMNS; i++)
		f->names[i] = tr_arena_printf(a, "c%u", i);
	f->schema = (struct tr_schema){COLUMNS, f->names, f->types};
	f->targets = targets;
	for (uint32_t t = 0; t < targets; t++) {
		tr_channel_init(&f->channels[t], &f->schema, 16, credits, 0, &f->wakes[0], 1, &f->wakes[1]);
		channels[t] = &f->channels[t];
		f->watermarks[t] = TR_WATERMARK_MIN;
	}
	f->exchange = tr_exchange_create(&f->context, kind, &f->schema, &key, 1,
					 kind == TR_EXCHANGE_CUSTOM ? &PARTITIONER : NULL, channels, targets);
	tr_chain_append(&f->chain, f->exchange);
	f->head.next = f->exchange;
	f->head.metrics.watermark_ms = TR_WATERMARK_MIN;
	return f;
}

static void fixture_destroy(struct fixture *f)
{
	tr_chain_deinit(&f->chain);
	for (uint32_t t = 0; t < f->targets; t++)
		tr_channel_deinit(&f->channels[t]);
	tr_arena_deinit(&f->arena);
	free(f);
}

static struct tr_view text_of(struct tr_batch_buffer *b, int64_t n)
{
	char text[64];
	const int length =
		snprintf(text, sizeof(text), "%lld%.*s", (long long)n, (int)(n % 20), "abcdefghijklmnopqrst");

	return tr_batch_buffer_view(b, text, (uint32_t)length);
}

static void set_null(struct tr_column_buffer *column, uint32_t row)
{
	tr_bit_clear(column->validity, row);
	column->has_nulls = true;
	if (column->offsets != NULL)
		column->offsets[row + 1] = (int32_t)column->children[0].length;
}

/** Row number `n` at row `at`. */
static void make_row(struct tr_batch_buffer *b, uint32_t at, int32_t n)
{
	struct tr_column_buffer *c = b->columns;
	struct tr_column_buffer *list = c[8].children, *map = c[9].children, *row = c[10].children;

	((int32_t *)c[0].data)[at] = n;
	((int8_t *)c[1].data)[at] = n % 2;
	((int16_t *)c[2].data)[at] = (int16_t)(n * 3);
	((int64_t *)c[3].data)[at] = n % 10; /* few keys */
	((tr_i128 *)c[4].data)[at] = (tr_i128)n * 1000000007 * 1000000009 * 1000000021;
	((float *)c[5].data)[at] = (float)n / 2;
	((double *)c[6].data)[at] = n % 7 == 0 ? -0.0 : (double)n / 3;
	((struct tr_view *)c[7].data)[at] = text_of(b, n);
	((int32_t *)c[12].data)[at] = n;
	for (int i = 0; i < n % 4; i++) {
		tr_column_buffer_reserve(&list[0], list[0].length + 1);
		((int64_t *)list[0].data)[list[0].length++] = n + i;
	}
	c[8].offsets[at + 1] = (int32_t)list[0].length;
	for (int i = 0; i < n % 3; i++) {
		tr_column_buffer_reserve(&map[0], map[0].length + 1);
		tr_column_buffer_reserve(&map[1], map[1].length + 1);
		((struct tr_view *)map[0].data)[map[0].length++] = text_of(b, n + 100 * i);
		((int64_t *)map[1].data)[map[1].length++] = n * i;
	}
	c[9].offsets[at + 1] = (int32_t)map[0].length;
	((int32_t *)row[0].data)[at] = -n;
	((struct tr_view *)row[1].data)[at] = text_of(b, n * 7);
	for (uint32_t i = 1; i < COLUMNS; i++)
		if (i != 10 && i != 11 && (n + (int32_t)i) % 11 == 0 && i != 8 && i != 9)
			set_null(&c[i], at);
	b->kinds[at] = (uint8_t)(n % 4);
}

static bool values_equal(const struct tr_column *a, uint32_t x, const struct tr_column *b, uint32_t y)
{
	const bool is_null = tr_column_is_null(a, x);

	if (is_null != tr_column_is_null(b, y))
		return false;
	if (is_null)
		return true;
	switch ((enum tr_phys)a->type->phys) {
	case TR_PHYS_VIEW: return tr_view_equals(tr_column_view(a, x), tr_column_view(b, y));
	case TR_PHYS_ROW:
		return values_equal(&a->children[0], x, &b->children[0], y) &&
		       values_equal(&a->children[1], x, &b->children[1], y);
	case TR_PHYS_LIST:
		if (a->offsets[x + 1] - a->offsets[x] != b->offsets[y + 1] - b->offsets[y])
			return false;
		for (int32_t i = 0; i < a->offsets[x + 1] - a->offsets[x]; i++)
			for (uint32_t child = 0; child < a->type->child_count; child++)
				if (!values_equal(&a->children[child], (uint32_t)(a->offsets[x] + i),
						  &b->children[child], (uint32_t)(b->offsets[y] + i)))
					return false;
		return true;
	default: {
		const size_t bytes = tr_phys_bytes(a->type->phys);

		return memcmp((const char *)a->data + x * bytes, (const char *)b->data + y * bytes, bytes) == 0;
	}
	}
}

static void take_control(struct fixture *f, uint32_t t, const struct tr_control *control)
{
	if (control->has_watermark) {
		assert_true(control->watermark_ms >= f->watermarks[t]);
		f->watermarks[t] = control->watermark_ms;
	}
	if (control->has_status)
		f->is_idle[t] = control->is_idle;
	f->is_end[t] |= control->is_end;
}

/** Takes one packet of one target, in turn from `from`. */
static bool take(struct fixture *f, uint32_t from)
{
	for (uint32_t n = 0; n < f->targets; n++) {
		const uint32_t t = (from + n) % f->targets;
		struct tr_packet *packet = tr_channel_pop(&f->channels[t]);

		if (packet == NULL)
			continue;
		assert_false(f->is_end[t]);
		take_control(f, t, &packet->before);
		if (packet->buffer != NULL) {
			const struct tr_batch *batch = &packet->buffer->batch;
			struct tr_batch_buffer *model = tr_batch_buffer_create(&f->schema, 1);
			uint32_t run = 0;

			assert_true(batch->row_count > 0);
			for (uint32_t r = 0; r < batch->row_count; r++) {
				const int32_t number = tr_column_i32(&batch->columns[0], r);

				tr_batch_buffer_clear(model);
				make_row(model, 0, number);
				tr_batch_buffer_seal(model, 1);
				for (uint32_t c = 0; c < COLUMNS; c++)
					assert_true(values_equal(&model->batch.columns[c], 0, &batch->columns[c], r));
				f->seen[number]++;
				f->target[number] = (int8_t)t;
				if (batch->run_count > 0)
					run = tr_batch_run_of(batch, r, run);
				f->seen_run[number] =
					batch->run_count > 0 ? batch->runs[run].watermark_ms : TR_WATERMARK_MIN;
				f->seen_kind[number] = batch->row_kinds != NULL ? batch->row_kinds[r] : 0;
			}
			tr_batch_buffer_destroy(&model);
		}
		take_control(f, t, &packet->after);
		tr_channel_put(&f->channels[t], packet);
		return true;
	}
	return false;
}

static void drain(struct fixture *f, uint64_t *random, enum tr_flow flow)
{
	while (flow == TR_FLOW_BLOCKED) {
		assert_true(take(f, tr_test_below(random, f->targets)));
		flow = tr_chain_resume(&f->chain);
	}
	assert_int_equal(flow, TR_FLOW_MORE);
}

/** Sends ROWS rows in batches with selections, runs and control between them. */
static void send_all(struct fixture *f, uint64_t *random)
{
	struct tr_batch_buffer *b = tr_batch_buffer_create(&f->schema, 200);
	uint32_t selection[200];
	int32_t next = 0;

	while (next < ROWS) {
		const uint32_t most = 1 + tr_test_below(random, 100);
		const uint32_t wanted = TR_MIN(most, (uint32_t)(ROWS - next));
		struct tr_batch batch;
		uint32_t at = 0;

		tr_batch_buffer_clear(b);
		b->has_kinds = true;
		for (uint32_t i = 0; i < wanted; i++) {
			if (tr_test_below(random, 4) == 0) /* a row that does not exist */
				make_row(b, at++, 0);
			tr_batch_buffer_add_run(b, i == 0 ? 0 : at,
						next + (int32_t)i < 100 ? 5 : (next + (int32_t)i) / 50 * 100);
			selection[i] = at;
			make_row(b, at++, next + (int32_t)i);
		}
		tr_batch_buffer_seal(b, at);
		next += (int32_t)wanted;
		batch = b->batch;
		batch.selection = selection;
		batch.selected_count = wanted;
		drain(f, random, tr_op_emit(&f->head, &batch));
		drain(f, random, tr_op_emit_watermark(&f->head, next));
		if (tr_test_below(random, 5) == 0)
			drain(f, random, tr_chain_flush(&f->chain));
		while (tr_test_below(random, 3) == 0)
			(void)take(f, 0);
	}
	drain(f, random, tr_op_emit_status(&f->head, true));
	drain(f, random, tr_op_emit_status(&f->head, false));
	drain(f, random, tr_op_emit_watermark(&f->head, TR_WATERMARK_MAX));
	drain(f, random, tr_op_emit_end(&f->head));
	while (take(f, 0))
		;
	tr_batch_buffer_destroy(&b);
}

static void check_all_of(const struct fixture *f, uint32_t copies)
{
	for (int32_t n = 0; n < ROWS; n++) {
		assert_int_equal(f->seen[n], copies);
		assert_int_equal(f->seen_run[n], n < 100 ? 5 : n / 50 * 100);
		assert_int_equal(f->seen_kind[n], n % 4);
	}
	for (uint32_t t = 0; t < f->targets; t++) {
		assert_true(f->watermarks[t] == TR_WATERMARK_MAX);
		assert_true(f->is_end[t]);
		assert_false(f->is_idle[t]);
	}
}

static void check_all(const struct fixture *f) { check_all_of(f, 1); }

static void test_multiset(void **state)
{
	static const uint32_t keys[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	uint64_t random = 42;

	for (uint32_t targets = 1; targets <= TARGETS_MAX; targets++) {
		for (size_t k = 0; k < TR_COUNT_OF(keys); k++) {
			struct fixture *f = fixture_create(targets, 1 + k % 3, TR_EXCHANGE_HASH, keys[k]);

			send_all(f, &random);
			check_all(f);
			for (int32_t n = 10; n < ROWS && keys[k] == 3; n++) /* equal keys, NULLs too, meet */
				if ((n + 3) % 11 != 0 && (n % 10 + 3) % 11 != 0)
					assert_int_equal(f->target[n], f->target[n % 10]);
			fixture_destroy(f);
		}
	}
}

static void test_hash_spreads(void **state)
{
	uint64_t random = 1;

	for (uint32_t targets = 2; targets <= TARGETS_MAX; targets++) {
		struct fixture *f = fixture_create(targets, 2, TR_EXCHANGE_HASH, 0);
		uint32_t counts[TARGETS_MAX] = {0};

		send_all(f, &random);
		for (int32_t n = 0; n < ROWS; n++)
			counts[f->target[n]]++;
		for (uint32_t t = 0; t < targets; t++)
			assert_in_range(counts[t], ROWS / targets / 2, ROWS / targets * 2);
		fixture_destroy(f);
	}
}

static void test_rebalance_and_gather(void **state)
{
	uint64_t random = 9;

	for (uint32_t targets = 1; targets <= TARGETS_MAX; targets++) {
		struct fixture *f = fixture_create(targets, 1, TR_EXCHANGE_REBALANCE, 0);
		bool is_used[TARGETS_MAX] = {false};

		send_all(f, &random);
		check_all(f);
		for (int32_t n = 0; n < ROWS; n++)
			is_used[f->target[n]] = true;
		for (uint32_t t = 0; t < targets; t++)
			assert_true(is_used[t]);
		fixture_destroy(f);
		f = fixture_create(1, 1, TR_EXCHANGE_GATHER, 0);
		send_all(f, &random);
		check_all(f);
		fixture_destroy(f);
	}
}

static void test_broadcast_and_shuffle(void **state)
{
	uint64_t random = 11;

	for (uint32_t targets = 1; targets <= TARGETS_MAX; targets++) {
		struct fixture *f = fixture_create(targets, 1 + targets % 3, TR_EXCHANGE_BROADCAST, 0);
		uint32_t counts[TARGETS_MAX] = {0};

		send_all(f, &random);
		check_all_of(f, targets);
		fixture_destroy(f);
		f = fixture_create(targets, 1, TR_EXCHANGE_SHUFFLE, 0);
		send_all(f, &random);
		check_all(f);
		for (int32_t n = 0; n < ROWS; n++)
			counts[f->target[n]]++;
		for (uint32_t t = 0; t < targets; t++)
			assert_in_range(counts[t], ROWS / targets / 2, ROWS / targets * 2);
		fixture_destroy(f);
	}
}

static void test_custom(void **state)
{
	uint64_t random = 12;

	for (uint32_t targets = 1; targets <= TARGETS_MAX; targets++) {
		struct fixture *f = fixture_create(targets, 1, TR_EXCHANGE_CUSTOM, 0);

		if (targets == 5) { /* one of its answers is not there */
			struct tr_batch_buffer *b = tr_batch_buffer_create(&f->schema, 1);

			tr_batch_buffer_clear(b);
			make_row(b, 0, ROWS / 2);
			tr_batch_buffer_seal(b, 1);
			assert_int_equal(tr_op_emit(&f->head, &b->batch), TR_FLOW_FAILED);
			assert_string_equal(f->context.status.message,
					    "the partitioner: it chose subtask 5, and there are 5");
			tr_batch_buffer_destroy(&b);
		} else {
			send_all(f, &random);
			check_all(f);
			for (int32_t n = 0; n < ROWS; n++)
				assert_int_equal(f->target[n], (uint32_t)n % targets);
		}
		fixture_destroy(f);
	}
}

/** Without a credit and with all control packets under way, control merges and waits; then it goes in order. */
static void test_control_needs_no_credit(void **state)
{
	struct fixture *f = fixture_create(2, 1, TR_EXCHANGE_HASH, 0);
	uint64_t random = 3;

	for (int64_t n = 1; n <= 1000; n++)
		assert_int_equal(tr_op_emit_watermark(&f->head, n), TR_FLOW_MORE);
	assert_int_equal(tr_op_emit_status(&f->head, true), TR_FLOW_MORE);
	while (take(f, 0))
		;
	assert_true(f->watermarks[0] < 1000);
	assert_int_equal(tr_chain_flush(&f->chain), TR_FLOW_MORE);
	while (take(f, 0))
		;
	assert_int_equal(f->watermarks[0], 1000);
	assert_int_equal(f->watermarks[1], 1000);
	assert_true(f->is_idle[0] && f->is_idle[1]);
	drain(f, &random, tr_op_emit_end(&f->head));
	while (take(f, 0))
		;
	assert_true(f->is_end[0] && f->is_end[1]);
	fixture_destroy(f);
}

static void test_key_groups(void **state)
{
	for (uint32_t subtasks = 1; subtasks <= 64; subtasks++) {
		uint32_t last = 0;

		for (uint32_t g = 0; g < TR_KEY_GROUPS_DEFAULT; g++) {
			const uint32_t subtask = tr_key_group_subtask(g, TR_KEY_GROUPS_DEFAULT, subtasks);

			assert_true(subtask == last || subtask == last + 1); /* ranges of neighbours, none empty */
			last = subtask;
		}
		assert_int_equal(last, subtasks - 1);
	}
	assert_int_equal(tr_key_group(0, 128), 0);
	assert_int_equal(tr_key_group(UINT64_MAX, 128), 127);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_multiset),
		cmocka_unit_test(test_hash_spreads),
		cmocka_unit_test(test_rebalance_and_gather),
		cmocka_unit_test(test_broadcast_and_shuffle),
		cmocka_unit_test(test_custom),
		cmocka_unit_test(test_control_needs_no_credit),
		cmocka_unit_test(test_key_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
