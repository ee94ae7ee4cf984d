/* SPDX-License-Identifier: Apache-2.0
 *
 * Sort and limit against the rows' own values, compared one by one: random types, keys, NULLs, batches, selections, limits and
 * offsets, in one phase and in two, with memory for all of it or for hardly any, and a sink that is often not ready.
 *
 * Rows that are equal in all keys may come in any order, but with the same rows before the sort, always in the same one.
 */
#include <math.h>
#include <unistd.h>

#include "base/type.h"
#include "core/chain.h"
#include "core/ops/op_sort.h"
#include "io/disk.h"
#include "tr_test.h"

#define COLUMNS_MAX 10
#define KEYS_MAX 4
#define TEXT_MAX 40
#define PARTS_MAX 3

static struct tr_environment *env;
static struct tr_io_queue *io;
static char folder[64];
static uint32_t spilled_runs;

/* ---- rows ---- */

struct value {
	bool is_null;
	tr_i128 number;
	double real;
	uint32_t length;
	char text[TEXT_MAX];
};

struct row {
	struct value values[COLUMNS_MAX];
};

/** A case: column 0 is the row's number, the last one a list of integers that says the same again. */
struct world {
	uint64_t seed;
	struct tr_arena arena;
	struct tr_schema schema;
	struct row *rows;
	uint32_t row_count;
	struct tr_order_key keys[KEYS_MAX];
	struct tr_sort_spec spec;
	uint32_t *got; /* numbers of the rows that came out */
	uint32_t got_count;
};

static int compare_values(const struct value *a, const struct value *b, const struct tr_type *type)
{
	if (type->phys == TR_PHYS_VIEW) {
		const int order = memcmp(a->text, b->text, TR_MIN(a->length, b->length));

		return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
	}
	if (type->phys == TR_PHYS_F32 || type->phys == TR_PHYS_F64) {
		if (a->real != a->real || b->real != b->real)
			return (a->real != a->real) - (b->real != b->real);
		if (a->real == 0 && b->real == 0)
			return (__builtin_signbit(b->real) != 0) - (__builtin_signbit(a->real) != 0);
		return (a->real > b->real) - (a->real < b->real);
	}
	return (a->number > b->number) - (a->number < b->number);
}

static int compare_rows(const struct world *w, const struct row *a, const struct row *b)
{
	for (uint32_t k = 0; k < w->spec.key_count; k++) {
		const struct tr_order_key *key = &w->keys[k];
		const struct value *x = &a->values[key->column], *y = &b->values[key->column];
		int order;

		if (x->is_null || y->is_null)
			order = ((int)y->is_null - (int)x->is_null) * (key->nulls_first ? 1 : -1);
		else
			order = compare_values(x, y, w->schema.types[key->column]) * (key->is_descending ? -1 : 1);
		if (order != 0)
			return order;
	}
	return 0;
}

static const struct world *sorting;

static int compare_numbers(const void *a, const void *b)
{
	return compare_rows(sorting, &sorting->rows[*(const uint32_t *)a], &sorting->rows[*(const uint32_t *)b]);
}

static void draw_text(struct world *w, struct value *value)
{
	static const char alphabet[] = {0, 1, 'a', 'b', (char)0xFF};
	const uint32_t style = tr_test_below(&w->seed, 3);

	value->length = tr_test_below(&w->seed, style == 0 ? 4 : TEXT_MAX);
	memset(value->text, 'p', sizeof(value->text));
	for (uint32_t i = style == 2 ? value->length * 3 / 4 : 0; i < value->length; i++)
		value->text[i] = alphabet[tr_test_below(&w->seed, sizeof(alphabet))];
}

static void draw_value(struct world *w, struct value *value, const struct tr_type *type)
{
	static const double reals[] = {
		0.0, -0.0, 1.5, -1.5, 1e30, -1e30, (double)NAN, (double)INFINITY, -(double)INFINITY};
	const uint32_t bits = TR_MIN(8 * tr_phys_bytes((enum tr_phys)type->phys), 128u);
	const bool is_small = tr_test_below(&w->seed, 2) == 0;

	memset(value, 0, sizeof(*value));
	value->is_null = type->is_nullable && tr_test_below(&w->seed, 6) == 0;
	if (value->is_null)
		return;
	if (type->phys == TR_PHYS_VIEW) {
		draw_text(w, value);
	} else if (type->phys == TR_PHYS_F32 || type->phys == TR_PHYS_F64) {
		value->real = reals[tr_test_below(&w->seed, TR_COUNT_OF(reals))];
		if (type->phys == TR_PHYS_F32)
			value->real = (double)(float)value->real;
	} else if (type->phys != TR_PHYS_LIST) {
		const tr_u128 raw = (tr_u128)tr_test_random(&w->seed) << 64 | tr_test_random(&w->seed);

		value->number = is_small ? (tr_i128)tr_test_below(&w->seed, 5) - 2
					 : (tr_i128)(raw << (128 - bits)) >> (128 - bits);
	}
}

static struct world *world_create(uint64_t seed)
{
	static const enum tr_type_id ids[] = {TR_TYPE_TINYINT, TR_TYPE_SMALLINT, TR_TYPE_INT,     TR_TYPE_BIGINT,
					      TR_TYPE_FLOAT,   TR_TYPE_DOUBLE,   TR_TYPE_VARCHAR, TR_TYPE_VARBINARY,
					      TR_TYPE_DECIMAL, TR_TYPE_DATE};
	struct world *w = calloc(1, sizeof(*w));
	const struct tr_type **types;
	const char **names;

	w->seed = seed;
	tr_arena_init(&w->arena, 0);
	w->schema.column_count = 3 + tr_test_below(&w->seed, COLUMNS_MAX - 3);
	w->schema.types = types = TR_NEW_ARRAY(&w->arena, COLUMNS_MAX, const struct tr_type *);
	w->schema.names = names = TR_NEW_ARRAY(&w->arena, COLUMNS_MAX, const char *);
	for (uint32_t c = 0; c < w->schema.column_count; c++) {
		const enum tr_type_id id = ids[tr_test_below(&w->seed, TR_COUNT_OF(ids))];

		names[c] = tr_arena_printf(&w->arena, "c%u", c);
		if (c == 0)
			types[c] = tr_type_with_nullable(&w->arena, tr_type_of(TR_TYPE_BIGINT), false);
		else if (c + 1 == w->schema.column_count)
			types[c] = tr_type_array(&w->arena, tr_type_of(TR_TYPE_INT));
		else if (id == TR_TYPE_DECIMAL)
			types[c] = tr_type_decimal(&w->arena, 38, 2);
		else
			types[c] = tr_type_of(id);
	}
	w->spec.keys = w->keys;
	w->spec.key_count = 1 + tr_test_below(&w->seed, KEYS_MAX);
	for (uint32_t k = 0; k < w->spec.key_count; k++)
		w->keys[k] = (struct tr_order_key){.column = tr_test_below(&w->seed, w->schema.column_count - 1),
						   .is_descending = tr_test_below(&w->seed, 2),
						   .nulls_first = tr_test_below(&w->seed, 2)};
	if (tr_test_below(&w->seed, 3) > 0)
		w->keys[0].column = 1;
	w->spec.limit = TR_SORT_NO_LIMIT;
	w->row_count = tr_test_below(&w->seed, tr_test_below(&w->seed, 4) == 0 ? 40000 : 600);
	if (tr_test_below(&w->seed, 2) == 0) {
		w->spec.limit = tr_test_below(&w->seed, tr_test_below(&w->seed, 2) == 0 ? 20 : 20000);
		w->spec.offset = tr_test_below(&w->seed, 2) == 0 ? tr_test_below(&w->seed, 300) : 0;
	}
	w->rows = calloc(w->row_count + 1, sizeof(*w->rows));
	w->got = calloc(w->row_count + 1, sizeof(*w->got));
	for (uint32_t r = 0; r < w->row_count; r++) {
		for (uint32_t c = 1; c < w->schema.column_count; c++)
			draw_value(w, &w->rows[r].values[c], types[c]);
		w->rows[r].values[0].number = r;
	}
	return w;
}

static void world_destroy(struct world *w)
{
	tr_arena_deinit(&w->arena);
	free(w->rows);
	free(w->got);
	free(w);
}

/* ---- batches ---- */

static void put_cell(struct tr_batch_buffer *buffer, uint32_t c, uint32_t at, const struct value *value, uint32_t number)
{
	struct tr_column_buffer *column = &buffer->columns[c];

	if (column->type->phys == TR_PHYS_LIST) {
		const uint32_t length = number % 3;
		const uint32_t first = (uint32_t)column->offsets[at];

		tr_column_buffer_reserve(&column->children[0], first + length);
		for (uint32_t i = 0; i < length; i++)
			((int32_t *)column->children[0].data)[first + i] = (int32_t)number;
		column->children[0].length = first + length;
		column->offsets[at + 1] = (int32_t)(first + length);
	}
	if (value->is_null) {
		tr_bit_clear(column->validity, at);
		column->has_nulls = true;
		if (column->type->phys != TR_PHYS_LIST)
			memset((char *)column->data + (size_t)at * tr_phys_bytes((enum tr_phys)column->type->phys),
			       0x5A, tr_phys_bytes((enum tr_phys)column->type->phys));
		return;
	}
	switch ((enum tr_phys)column->type->phys) {
	case TR_PHYS_I8: ((int8_t *)column->data)[at] = (int8_t)value->number; return;
	case TR_PHYS_I16: ((int16_t *)column->data)[at] = (int16_t)value->number; return;
	case TR_PHYS_I32: ((int32_t *)column->data)[at] = (int32_t)value->number; return;
	case TR_PHYS_I64: ((int64_t *)column->data)[at] = (int64_t)value->number; return;
	case TR_PHYS_I128: ((tr_i128 *)column->data)[at] = value->number; return;
	case TR_PHYS_F32: ((float *)column->data)[at] = (float)value->real; return;
	case TR_PHYS_F64: ((double *)column->data)[at] = value->real; return;
	case TR_PHYS_VIEW:
		((struct tr_view *)column->data)[at] = tr_batch_buffer_view(buffer, value->text, value->length);
		return;
	default: return;
	}
}

static void check_cell(const struct world *w, const struct tr_column *column, uint32_t row, uint32_t c, uint32_t number)
{
	const struct value *value = &w->rows[number].values[c];

	assert_int_equal(tr_column_is_null(column, row), value->is_null);
	if (value->is_null)
		return;
	switch ((enum tr_phys)column->type->phys) {
	case TR_PHYS_I8: assert_true(tr_column_i8(column, row) == value->number); return;
	case TR_PHYS_I16: assert_true(tr_column_i16(column, row) == value->number); return;
	case TR_PHYS_I32: assert_true(tr_column_i32(column, row) == value->number); return;
	case TR_PHYS_I64: assert_true(tr_column_i64(column, row) == value->number); return;
	case TR_PHYS_I128: assert_true(tr_column_i128(column, row) == value->number); return;
	case TR_PHYS_F32:
		assert_true(isnan(value->real) ? isnan(tr_column_f32(column, row))
					       : (double)tr_column_f32(column, row) == value->real);
		return;
	case TR_PHYS_F64:
		assert_true(isnan(value->real) ? isnan(tr_column_f64(column, row))
					       : tr_column_f64(column, row) == value->real);
		return;
	case TR_PHYS_VIEW: {
		const struct tr_view *view = (const struct tr_view *)column->data + row;

		assert_int_equal(view->length, value->length);
		assert_memory_equal(tr_view_text(view), value->text, value->length);
		return;
	}
	case TR_PHYS_LIST:
		assert_int_equal(column->offsets[row + 1] - column->offsets[row], number % 3);
		for (int32_t i = column->offsets[row]; i < column->offsets[row + 1]; i++)
			assert_int_equal(tr_column_i32(&column->children[0], (uint32_t)i), number);
		return;
	default: fail();
	}
}

/* ---- the sink, and the way from LOCAL to GLOBAL ---- */

struct part;

struct sink {
	struct tr_op op;
	struct world *w;
	struct part *global; /* NULL: rows are at their end */
	uint32_t sources_left;
	const struct tr_batch *parked;
	bool is_parked_watermark;
};

struct part {
	struct tr_op_context context;
	struct tr_chain chain;
	struct sink *sink;
};

static void settle(struct part *part, enum tr_flow flow)
{
	while (flow == TR_FLOW_BLOCKED) {
		part->chain.ops[0]->is_blocked = true;
		(void)tr_io_poll(io);
		flow = tr_chain_resume(&part->chain);
	}
	spilled_runs += part->chain.ops[0]->metrics.spilled_bytes > 0;
	assert_int_equal(flow, TR_FLOW_MORE);
}

static void sink_take(struct sink *s, const struct tr_batch *batch)
{
	if (s->global != NULL) {
		settle(s->global, s->global->chain.ops[0]->ops->on_batch(s->global->chain.ops[0], 0, batch));
		return;
	}
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		const uint32_t number = (uint32_t)tr_column_i64(&batch->columns[0], row);

		assert_true(number < s->w->row_count && s->w->got_count < s->w->row_count);
		for (uint32_t c = 0; c < s->w->schema.column_count; c++)
			check_cell(s->w, &batch->columns[c], row, c, number);
		s->w->got[s->w->got_count++] = number;
	}
}

static enum tr_flow sink_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct sink *s = (struct sink *)op;

	if (tr_test_below(&s->w->seed, 3) == 0) {
		s->parked = batch;
		return TR_FLOW_BLOCKED;
	}
	sink_take(s, batch);
	return TR_FLOW_MORE;
}

static enum tr_flow sink_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct sink *s = (struct sink *)op;

	assert_true(watermark_ms == TR_WATERMARK_MAX);
	s->sources_left--;
	return TR_FLOW_MORE;
}

static enum tr_flow sink_resume(struct tr_op *op)
{
	struct sink *s = (struct sink *)op;

	if (tr_test_below(&s->w->seed, 3) == 0)
		return TR_FLOW_BLOCKED;
	sink_take(s, s->parked);
	return TR_FLOW_MORE;
}

static void sink_destroy(struct tr_op *op) { free(op); }

static const struct tr_op_ops sink_ops = {.name = "sink",
					  .on_batch = sink_batch,
					  .on_watermark = sink_watermark,
					  .resume = sink_resume,
					  .destroy = sink_destroy};

static void part_init(struct world *w, struct part *part, uint32_t subtask, const struct tr_sort_plan *plan,
		      size_t limit, struct part *global)
{
	part->context = (struct tr_op_context){
		.arena = &w->arena,
		.subtask = subtask,
		.batch_rows = 1 + tr_test_below(&w->seed, 200),
		.memory_limit = limit,
		.disk = env->disk,
		.io = io,
		.scratch_path = tr_arena_printf(&w->arena, "%s/%u", folder, subtask + (global == NULL ? 100 : 0))};
	memset(&part->chain, 0, sizeof(part->chain));
	part->sink = calloc(1, sizeof(*part->sink));
	part->sink->op = (struct tr_op){.ops = &sink_ops, .context = &part->context, .timer_ms = INT64_MAX};
	part->sink->w = w;
	part->sink->global = global;
	part->sink->sources_left = 1;
	tr_chain_append(&part->chain, tr_op_sort_create(plan, &part->context));
	tr_chain_append(&part->chain, &part->sink->op);
}

/** Rows first .. to one of the parts at random, in batches with selections. */
static void send_rows(struct world *w, struct part *parts, uint32_t part_count)
{
	struct tr_batch_buffer *buffer = tr_batch_buffer_create(&w->schema, 512);
	uint32_t *selection = calloc(512, sizeof(*selection));

	for (uint32_t next = 0; next < w->row_count;) {
		struct part *part = &parts[tr_test_below(&w->seed, part_count)];
		const uint32_t room = 1 + tr_test_below(&w->seed, 512);
		const bool has_selection = tr_test_below(&w->seed, 2) == 0;
		uint32_t at = 0, selected = 0;

		tr_batch_buffer_clear(buffer);
		for (; at < room && next < w->row_count; at++) {
			const bool is_row = !has_selection || tr_test_below(&w->seed, 4) > 0;
			const uint32_t number = is_row ? next : tr_test_below(&w->seed, w->row_count);

			for (uint32_t c = 0; c < w->schema.column_count; c++)
				put_cell(buffer, c, at, &w->rows[number].values[c], number);
			if (is_row) {
				selection[selected++] = at;
				next++;
			}
		}
		if (selected == 0)
			continue;
		tr_batch_buffer_seal(buffer, at);
		if (has_selection) {
			buffer->batch.selection = selection;
			buffer->batch.selected_count = selected;
		}
		settle(part, part->chain.ops[0]->ops->on_batch(part->chain.ops[0], 0, &buffer->batch));
	}
	tr_batch_buffer_destroy(&buffer);
	free(selection);
}

static void end(struct part *part)
{
	settle(part, part->chain.ops[0]->ops->on_watermark(part->chain.ops[0], 0, TR_WATERMARK_MAX));
	assert_int_equal(part->sink->sources_left, 0);
}

/** Sorts the rows with `part_count` subtasks before the last one; 0: that alone. */
static void run(struct world *w, uint32_t part_count, size_t limit)
{
	const struct tr_sort_plan single = {
		.spec = w->spec, .phase = TR_PHASE_SINGLE, .rows = &w->schema, .output = &w->schema};
	struct tr_sort_plan local = single, global = single;
	struct part parts[PARTS_MAX], last;

	local.phase = TR_PHASE_LOCAL;
	local.output = &tr_sort_local_schema;
	local.spec.offset = 0;
	local.spec.limit = tr_sort_rows_needed(&w->spec);
	global.phase = part_count > 0 ? TR_PHASE_GLOBAL : TR_PHASE_SINGLE;
	w->got_count = 0;
	part_init(w, &last, 0, &global, limit, NULL);
	for (uint32_t i = 0; i < part_count; i++)
		part_init(w, &parts[i], i, &local, limit, &last);
	send_rows(w, part_count > 0 ? parts : &last, TR_MAX(part_count, 1u));
	for (uint32_t i = 0; i < part_count; i++)
		end(&parts[i]);
	end(&last);
	for (uint32_t i = 0; i < part_count; i++)
		tr_chain_deinit(&parts[i].chain);
	tr_chain_deinit(&last.chain);
}

static void check(struct world *w)
{
	uint32_t *order = calloc(w->row_count + 1, sizeof(*order));
	bool *is_seen = calloc(w->row_count + 1, sizeof(*is_seen));
	const uint32_t skip = (uint32_t)TR_MIN(w->spec.offset, w->row_count);
	const uint32_t count = (uint32_t)TR_MIN(w->spec.limit, w->row_count - skip);

	for (uint32_t i = 0; i < w->row_count; i++)
		order[i] = i;
	sorting = w;
	qsort(order, w->row_count, sizeof(*order), compare_numbers);
	assert_int_equal(w->got_count, count);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(compare_rows(w, &w->rows[w->got[i]], &w->rows[order[skip + i]]), 0);
		assert_false(is_seen[w->got[i]]);
		is_seen[w->got[i]] = true;
	}
	free(order);
	free(is_seen);
}

static void test_sort(void **state)
{
	static const size_t limits[] = {0, 0, 1, 200 << 10, 1 << 20};
	const uint64_t first = tr_test_number("TAILRACE_TEST_SEED", 1);

	spilled_runs = 0;
	for (uint64_t n = 0; n < tr_test_cases(150); n++) {
		struct world *w = world_create(first * 1000000 + n);
		uint32_t *before = calloc(w->row_count + 1, sizeof(*before));

		for (uint32_t phase = 0; phase <= PARTS_MAX; phase += 1 + (uint32_t)(n % 2)) {
			run(w, phase, limits[tr_test_below(&w->seed, TR_COUNT_OF(limits))]);
			check(w);
			/* Rows are told apart by all of their columns, and those are the same whoever sorts. */
			if (phase > 0)
				assert_memory_equal(before, w->got, w->got_count * sizeof(*before));
			memcpy(before, w->got, w->got_count * sizeof(*before));
		}
		free(before);
		world_destroy(w);
	}
	assert_true(spilled_runs > 0);
}

/** All rows equal, or equal for long: what dealing by bytes does worst. */
static void test_equal_rows(void **state)
{
	for (uint32_t style = 0; style < 3; style++) {
		struct world *w = world_create(77);

		w->spec.key_count = 1;
		w->keys[0].column = 1;
		w->spec.limit = TR_SORT_NO_LIMIT;
		w->spec.offset = 0;
		((const struct tr_type **)(uintptr_t)w->schema.types)[1] = tr_type_of(TR_TYPE_VARCHAR);
		free(w->rows);
		free(w->got);
		w->row_count = 20000;
		w->rows = calloc(w->row_count, sizeof(*w->rows));
		w->got = calloc(w->row_count, sizeof(*w->got));
		for (uint32_t r = 0; r < w->row_count; r++) {
			struct value *value = &w->rows[r].values[1];

			w->rows[r].values[0].number = r;
			for (uint32_t c = 2; c < w->schema.column_count; c++)
				w->rows[r].values[c].is_null = true;
			value->length = style == 2 ? TEXT_MAX - r % 30 : TEXT_MAX;
			memset(value->text, 'p', TEXT_MAX);
			if (style == 1)
				value->text[TEXT_MAX - 1] = (char)(r * 7919 % 251);
		}
		run(w, 0, 0);
		check(w);
		world_destroy(w);
	}
}

/** Rows whose lengths come to 2^32 and more, as values or in the keys: refused, and nothing is written. */
static void test_long_rows(void **state)
{
	enum { LONG_COLUMNS = 64, LONG_TEXT = 1 << 26 };
	const char *names[LONG_COLUMNS];
	const struct tr_type *types[LONG_COLUMNS];
	struct tr_order_key keys[LONG_COLUMNS];
	struct tr_column columns[LONG_COLUMNS];
	const struct tr_schema schema = {.column_count = LONG_COLUMNS, .names = names, .types = types};
	char *text = malloc(LONG_TEXT);
	struct tr_view view;

	memset(text, 'x', LONG_TEXT);
	view = tr_view_make(text, LONG_TEXT);
	for (uint32_t c = 0; c < LONG_COLUMNS; c++) {
		names[c] = "c";
		types[c] = tr_type_of(TR_TYPE_VARCHAR);
		keys[c] = (struct tr_order_key){.column = c};
		columns[c] = (struct tr_column){.type = types[c], .data = &view};
	}
	for (uint32_t key_count = 1; key_count <= LONG_COLUMNS; key_count += LONG_COLUMNS - 1) {
		const struct tr_sort_plan plan = {
			.spec = {.keys = keys, .key_count = key_count, .limit = TR_SORT_NO_LIMIT},
			.phase = TR_PHASE_SINGLE,
			.rows = &schema,
			.output = &schema};
		const struct tr_batch batch = {
			.schema = &schema, .row_count = 1, .selected_count = 1, .columns = columns};
		struct world *w = world_create(1);
		struct part part;

		part_init(w, &part, 0, &plan, 0, NULL);
		assert_int_equal(part.chain.ops[0]->ops->on_batch(part.chain.ops[0], 0, &batch), TR_FLOW_FAILED);
		assert_non_null(strstr(part.context.status.message, "sort: a row of at least 4294967295 bytes"));
		tr_chain_deinit(&part.chain);
		world_destroy(w);
	}
	free(text);
}

/* ---- limit ---- */

static void test_limit(void **state)
{
	for (uint64_t n = 0; n < tr_test_cases(100); n++) {
		struct world *w = world_create(5000 + n);
		const struct tr_sort_spec spec = {.offset =
							  tr_test_below(&w->seed, 2) ? tr_test_below(&w->seed, 700) : 0,
						  .limit = tr_test_below(&w->seed, 900)};
		struct tr_enough enough = {.outer = NULL};
		struct part part;
		uint32_t expected;

		part_init(w, &part, 0,
			  &(const struct tr_sort_plan){.spec = w->spec, .rows = &w->schema, .output = &w->schema}, 0,
			  NULL);
		tr_chain_deinit(&part.chain);
		memset(&part.chain, 0, sizeof(part.chain));
		part.sink = calloc(1, sizeof(*part.sink));
		part.sink->op = (struct tr_op){.ops = &sink_ops, .context = &part.context, .timer_ms = INT64_MAX};
		part.sink->w = w;
		tr_chain_append(&part.chain, tr_op_limit_create(&spec, &w->schema, &enough, &part.context));
		tr_chain_append(&part.chain, &part.sink->op);
		w->got_count = 0;
		send_rows(w, &part, 1);
		expected = (uint32_t)TR_MIN(spec.limit, w->row_count - TR_MIN(spec.offset, w->row_count));
		assert_int_equal(w->got_count, expected);
		for (uint32_t i = 0; i < expected; i++)
			assert_int_equal(w->got[i], spec.offset + i);
		assert_int_equal(enough.is_reached, spec.limit == 0 || expected == spec.limit);
		tr_chain_deinit(&part.chain);
		world_destroy(w);
	}
}

static int set_up(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/tailrace_sort_XXXXXX");
	if (mkdtemp(folder) == NULL || tr_environment_real_create(&env, NULL) != TR_OK)
		return -1;
	return env->disk->ops->queue_create(env->disk, 64, &io, NULL) == TR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	env->disk->ops->queue_destroy(env->disk, &io);
	tr_environment_real_destroy(&env);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sort), cmocka_unit_test(test_equal_rows),
					   cmocka_unit_test(test_long_rows), cmocka_unit_test(test_limit)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
