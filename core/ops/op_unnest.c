/* SPDX-License-Identifier: Apache-2.0
 *
 * See op_unnest.h.
 *
 * Input rows and elements are noted as picks (core/ops/kernel_pick.h) until there are as many as a batch has rows, and gathered
 * into an arena that is reset for the next batch. Bytes of texts are not copied: they live as long as the borrowed input. After
 * BLOCKED the work goes on from the same row and element, over the same batch.
 */
#include "core/ops/op_unnest.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/kernel_pick.h"

#define HEAP_BLOCK_BYTES ((size_t)64 << 10)

struct unnest {
	struct tr_op op;
	const struct tr_unnest *plan;
	bool has_row_elements; /* of which those that are NULL are left out */
	uint32_t capacity;     /* rows of an emitted batch */
	struct tr_arena heap;  /* of the emitted batch */
	struct tr_picks rows;  /* of the source, by row of the emitted batch */
	struct tr_picks elements;
	int32_t *numbers; /* of elements, from 1 */
	struct tr_batch batch;
	struct tr_column *columns;
	uint8_t *kinds;
	struct tr_watermark_run *runs;
	const struct tr_batch *source; /* what is being expanded; NULL: nothing */
	uint32_t position;             /* in source's selection */
	int32_t next;                  /* element of the row, from 0 */
	bool has_any;                  /* the row has had an element */
};

/* ---- taking ---- */

static void note(struct unnest *u, uint32_t row, uint32_t element, int32_t number)
{
	u->numbers[u->rows.count] = number;
	tr_pick(&u->rows, 0, row);
	tr_pick(&u->elements, 0, element);
}

/* Notes elements of the row, as long as there is room. Returns whether that was all of it. */
static bool take_row(struct unnest *u, uint32_t row)
{
	const struct tr_column *list = &u->source->columns[u->plan->list];
	const uint32_t at = tr_column_row(list, row);
	const bool is_null = tr_column_is_null(list, row);
	const int32_t begin = is_null ? 0 : list->offsets[at], count = is_null ? 0 : list->offsets[at + 1] - begin;

	for (; u->next < count && u->rows.count < u->capacity; u->next++) {
		const uint32_t element = (uint32_t)(begin + u->next);

		if (u->has_row_elements && tr_column_is_null(&list->children[0], element))
			continue;
		note(u, row, element, u->next + 1);
		u->has_any = true;
	}
	if (u->next < count || (u->plan->is_outer && !u->has_any && u->rows.count == u->capacity))
		return false;
	if (u->plan->is_outer && !u->has_any)
		note(u, row, TR_PICK_NULL, 0);
	return true;
}

static void take_rows(struct unnest *u)
{
	tr_arena_reset(&u->heap);
	tr_picks_init(&u->rows, &u->heap, u->capacity);
	tr_picks_init(&u->elements, &u->heap, u->capacity);
	while (u->position < u->source->selected_count && take_row(u, tr_batch_row(u->source, u->position))) {
		u->position++;
		u->next = 0;
		u->has_any = false;
	}
}

/* ---- making the batch ---- */

static tr_code gather(struct unnest *u, const struct tr_picks *picks, const struct tr_column *source, uint32_t column)
{
	return tr_picks_gather(picks, u->op.output->types[column], &source, 1, &u->columns[column],
			       &u->op.context->status);
}

static struct tr_column ordinality(struct unnest *u, const struct tr_type *type)
{
	const uint32_t count = u->rows.count;
	uint64_t *validity = NULL;

	if (u->plan->is_outer) {
		const size_t bytes = TR_BITMAP_WORDS(count) * sizeof(*validity);

		validity = memset(tr_arena_alloc(&u->heap, bytes), 0xFF, bytes);
		for (uint32_t i = 0; i < count; i++)
			tr_bit_assign(validity, i, u->numbers[i] > 0);
	}
	return (struct tr_column){.type = type, .data = u->numbers, .validity = validity};
}

static tr_code make_columns(struct unnest *u)
{
	const struct tr_unnest *plan = u->plan;
	const struct tr_column *list = &u->source->columns[plan->list];
	uint32_t column = 0;

	for (uint32_t i = 0; i < plan->column_count; i++)
		TR_TRY(gather(u, &u->rows, &u->source->columns[plan->columns[i]], column++));
	for (uint32_t i = 0; i < plan->field_count; i++) {
		const struct tr_column *field = u->has_row_elements ? &list->children[0].children[plan->fields[i]]
								    : &list->children[plan->fields[i]];

		TR_TRY(gather(u, &u->elements, field, column++));
	}
	if (plan->has_ordinality)
		u->columns[column] = ordinality(u, u->op.output->types[column]);
	return TR_OK;
}

/* The watermark that was in force for a row is in force for all that is made of it. */
static void make_runs(struct unnest *u)
{
	const struct tr_batch *source = u->source;
	uint32_t run = 0;

	u->batch.run_count = 0;
	if (source->run_count == 0)
		return;
	if (u->runs == NULL || source->run_count > u->capacity)
		u->runs = realloc(u->runs, TR_MAX(source->run_count, u->capacity) * sizeof(*u->runs));
	TR_ASSERT(u->runs != NULL);
	for (uint32_t i = 0; i < u->rows.count; i++) {
		const uint32_t row = u->rows.items[i].row, before = run;

		while (run + 1 < source->run_count && source->runs[run + 1].row <= row)
			run++;
		if (i == 0 || run != before)
			u->runs[u->batch.run_count++] =
				(struct tr_watermark_run){.row = i, .watermark_ms = source->runs[run].watermark_ms};
	}
}

static tr_code make_batch(struct unnest *u)
{
	const struct tr_batch *source = u->source;

	TR_TRY(make_columns(u));
	make_runs(u);
	for (uint32_t i = 0; source->row_kinds != NULL && i < u->rows.count; i++)
		u->kinds[i] = source->row_kinds[u->rows.items[i].row];
	u->batch.schema = u->op.output;
	u->batch.row_count = u->batch.selected_count = u->rows.count;
	u->batch.columns = u->columns;
	u->batch.row_kinds = source->row_kinds != NULL ? u->kinds : NULL;
	u->batch.runs = u->batch.run_count > 0 ? u->runs : NULL;
	u->batch.watermark_ms = source->watermark_ms;
	return TR_OK;
}

static enum tr_flow expand(struct unnest *u)
{
	while (u->source != NULL) {
		enum tr_flow flow;

		take_rows(u);
		if (u->rows.count > 0 && make_batch(u) != TR_OK)
			return TR_FLOW_FAILED;
		if (u->position == u->source->selected_count)
			u->source = NULL;
		if (u->rows.count == 0)
			continue;
		flow = tr_op_emit(&u->op, &u->batch);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	return TR_FLOW_MORE;
}

/* ---- operator ---- */

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct unnest *u = (struct unnest *)op;

	TR_ASSERT(input == 0 && u->source == NULL);
	u->source = batch;
	u->position = 0;
	u->next = 0;
	u->has_any = false;
	return expand(u);
}

static enum tr_flow resume(struct tr_op *op) { return expand((struct unnest *)op); }

static void destroy(struct tr_op *op)
{
	struct unnest *u = (struct unnest *)op;

	tr_arena_deinit(&u->heap);
	free(u->numbers);
	free(u->columns);
	free(u->kinds);
	free(u->runs);
	free(u);
}

static const struct tr_op_ops unnest_ops = {
	.name = "unnest", .on_batch = on_batch, .resume = resume, .destroy = destroy};

void tr_op_unnest_create(const struct tr_unnest *unnest, const struct tr_schema *input, const struct tr_schema *output,
			 struct tr_op_context *context, struct tr_op **op)
{
	const struct tr_type *list = input->types[unnest->list];
	struct unnest *u = calloc(1, sizeof(*u));

	TR_ASSERT(u != NULL && list->phys == TR_PHYS_LIST);
	TR_ASSERT(output->column_count == unnest->column_count + unnest->field_count + unnest->has_ordinality);
	u->op.ops = &unnest_ops;
	u->op.context = context;
	u->op.timer_ms = INT64_MAX;
	u->op.output = output;
	u->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	u->plan = unnest;
	u->has_row_elements = list->id != TR_TYPE_MAP && list->children[0]->id == TR_TYPE_ROW;
	u->capacity = TR_MAX(context->batch_rows, 1);
	tr_arena_init(&u->heap, HEAP_BLOCK_BYTES);
	u->numbers = calloc(u->capacity, sizeof(*u->numbers));
	u->columns = calloc(output->column_count + 1, sizeof(*u->columns));
	u->kinds = calloc(u->capacity, sizeof(*u->kinds));
	TR_ASSERT(u->numbers != NULL && u->columns != NULL && u->kinds != NULL);
	*op = &u->op;
}
