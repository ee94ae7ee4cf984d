/* SPDX-License-Identifier: Apache-2.0
 *
 * Layout of accumulators; see the header. The driver of an update decides per batch which rows an aggregate sees (FILTER,
 * NULLs, DISTINCT) and hands compact lists to the kernel, which therefore has no branch for any of them. An aggregate
 * over a column without NULLs and without a filter gets the caller's own lists.
 */
#include "core/ops/agg_layout.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/type.h"
#include "core/ops/agg_distinct.h"
#include "core/ops/exact_sum.h"

bool tr_agg_is_distinct(const struct tr_agg_call *call)
{
	return call->is_distinct && !call->agg->takes_row && call->agg->kind != TR_AGG_MIN &&
	       call->agg->kind != TR_AGG_MAX && call->agg->kind != TR_AGG_COUNT_STAR;
}

static tr_code part_init(struct tr_agg_layout *layout, struct tr_agg_part *part, const struct tr_agg_call *call,
			 const struct tr_schema *input, struct tr_status *st)
{
	const struct tr_type *arg = input != NULL && call->arg_column >= 0 ? input->types[call->arg_column] : NULL;

	part->agg = call->agg;
	part->arg_column = call->arg_column;
	part->more_count = call->more_count;
	memcpy(part->more_columns, call->more_columns, sizeof(part->more_columns));
	part->filter_column = call->filter_column;
	part->slot.type = call->type;
	part->slot.params = call->params;
	part->slot.failure = &layout->failure;
	part->slot.arg_type = arg;
	part->slot.owned = &layout->owned;
	if (call->agg->local_create != NULL)
		part->slot.local = call->agg->local_create(call->agg, call->params);
	part->is_distinct = tr_agg_is_distinct(call);
	if (part->is_distinct && arg != NULL && (arg->phys == TR_PHYS_LIST || arg->phys == TR_PHYS_ROW))
		TR_FAIL(st, TR_ERR_DATA, "%s: DISTINCT over ARRAY, MAP or ROW is not supported", call->text);
	return TR_OK;
}

/** Whether the call counts each row. GLOBAL can't see the argument's type, so only LOCAL's own rule may not differ:
 * it is decided by the call alone, where the binder has made COUNT(x) of a NOT NULL column COUNT(*) if it could. */
static bool is_row_count(const struct tr_agg_call *call)
{
	return call->agg->kind == TR_AGG_COUNT_STAR && call->filter_column < 0;
}

tr_code tr_agg_layout_init(struct tr_agg_layout *layout, const struct tr_agg_call *aggs, uint32_t agg_count,
			   const struct tr_schema *input, int32_t partials_at, struct tr_status *st)
{
	uint32_t offset = 8;

	memset(layout, 0, sizeof(*layout));
	layout->parts = calloc(agg_count + 1, sizeof(*layout->parts));
	TR_ASSERT(layout->parts != NULL);
	layout->part_count = agg_count;
	layout->is_additive = layout->is_mergeable = true;
	for (uint32_t i = 0; i < agg_count; i++) {
		struct tr_agg_part *part = &layout->parts[i];

		TR_TRY(part_init(layout, part, &aggs[i], partials_at < 0 ? input : NULL, st));
		part->is_row_count = is_row_count(&aggs[i]);
		if (part->is_row_count)
			continue;
		if (partials_at >= 0) {
			TR_ASSERT((uint32_t)partials_at + layout->partial_count < input->column_count);
			part->slot.arg_type = input->types[(uint32_t)partials_at + layout->partial_count];
		}
		part->partial_column = layout->partial_count;
		layout->partial_count += part->agg->partial_count;
		offset += part->is_distinct ? 8 : 0;
		part->slot.offset = offset;
		offset += part->agg->acc_bytes;
		layout->is_additive &= part->agg->is_additive && !part->is_distinct;
		layout->owns_memory |= part->agg->owns_memory || part->is_distinct;
		layout->is_mergeable &= !part->is_distinct && !part->agg->is_collecting;
	}
	/* A stride of 24 would make every third entry lie across two cache lines. */
	layout->bytes = offset;
	layout->stride = offset == 24 ? 32 : offset;
	return TR_OK;
}

void tr_agg_layout_deinit(struct tr_agg_layout *layout)
{
	for (uint32_t p = 0; p < layout->part_count; p++)
		if (layout->parts[p].slot.local != NULL)
			layout->parts[p].agg->local_destroy(layout->parts[p].slot.local);
	free(layout->parts);
	free(layout->entries);
	free(layout->rows);
	memset(layout, 0, sizeof(*layout));
}

uint32_t tr_agg_layout_count(char *const *entries, uint32_t count, uint32_t *touched)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		int64_t *rows = (int64_t *)(void *)entries[i];
		const int64_t before = *rows;

		touched[n] = i;
		n += before == 0;
		*rows = before + 1;
	}
	return n;
}

static void reserve(struct tr_agg_layout *layout, uint32_t count)
{
	if (count <= layout->capacity)
		return;
	layout->capacity = count;
	layout->entries = realloc(layout->entries, count * sizeof(*layout->entries));
	layout->rows = realloc(layout->rows, count * sizeof(*layout->rows));
	TR_ASSERT(layout->entries != NULL && layout->rows != NULL);
}

static bool passes(const struct tr_column *filter, uint32_t row)
{
	return filter == NULL || (!tr_column_is_null(filter, row) && tr_column_i8(filter, row) != 0);
}

struct tr_distinct_set **tr_agg_entry_set(const struct tr_agg_part *part, char *entry)
{
	return (struct tr_distinct_set **)(void *)(entry + part->slot.offset - 8);
}

bool tr_agg_entry_see(const struct tr_agg_part *part, char *entry, enum tr_phys phys, const void *value)
{
	struct tr_distinct_set **set = tr_agg_entry_set(part, entry);
	const size_t before = tr_distinct_bytes(*set);
	const bool is_new = tr_distinct_add(set, phys, value);

	*part->slot.owned += tr_distinct_bytes(*set) - before;
	return is_new;
}

/** Whether the value in `row` is new to the entry's set. */
static bool is_new(const struct tr_agg_part *part, char *entry, const struct tr_column *arg, uint32_t row)
{
	const enum tr_phys phys = (enum tr_phys)arg->type->phys;

	return tr_agg_entry_see(part, entry, phys, (const char *)arg->data + row * tr_phys_bytes(phys));
}

static void part_update(struct tr_agg_layout *layout, const struct tr_agg_part *part, const struct tr_batch *batch,
			char *const *entries, const uint32_t *rows, uint32_t count)
{
	const struct tr_column *arg = part->arg_column >= 0 ? &batch->columns[part->arg_column] : NULL;
	const struct tr_column *filter = part->filter_column >= 0 ? &batch->columns[part->filter_column] : NULL;
	struct tr_column fields[1 + TR_AGG_MORE_MAX];
	const struct tr_column row_of_args = {.type = arg != NULL ? arg->type : NULL, .children = fields};
	uint32_t n = 0;

	if (part->agg->takes_row) {
		fields[0] = *arg;
		for (uint32_t f = 0; f < part->more_count; f++)
			fields[f + 1] = batch->columns[part->more_columns[f]];
		arg = &row_of_args;
		if (filter == NULL) {
			part->agg->update(&part->slot, entries, arg, rows, count);
			return;
		}
	} else if (arg != NULL && arg->type->phys == TR_PHYS_NONE) {
		return;
	}
	if (filter == NULL && !part->is_distinct && (arg == NULL || (arg->validity == NULL && !arg->is_constant))) {
		part->agg->update(&part->slot, entries, arg, rows, count);
		return;
	}
	reserve(layout, count);
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = tr_agg_row(rows, i);

		if (!passes(filter, row) || (arg != NULL && !part->agg->takes_row && tr_column_is_null(arg, row)))
			continue;
		layout->rows[n] = arg != NULL ? tr_column_row(arg, row) : row;
		layout->entries[n] = entries[i];
		if (!part->is_distinct || is_new(part, entries[i], arg, layout->rows[n]))
			n++;
	}
	part->agg->update(&part->slot, layout->entries, arg, layout->rows, n);
}

void tr_agg_layout_update(struct tr_agg_layout *layout, const struct tr_batch *batch, char *const *entries,
			  const uint32_t *rows, uint32_t count)
{
	for (uint32_t p = 0; p < layout->part_count; p++)
		if (!layout->parts[p].is_row_count)
			part_update(layout, &layout->parts[p], batch, entries, rows, count);
}

/** The first part that is updated, if its kernel can count the rows in passing. */
static const struct tr_agg_part *counting_part(const struct tr_agg_layout *layout, const struct tr_batch *batch)
{
	const struct tr_agg_part *found = NULL;

	for (uint32_t p = 0; p < layout->part_count && found == NULL; p++) {
		const struct tr_agg_part *part = &layout->parts[p];

		if (!part->is_row_count)
			found = part;
	}
	if (found == NULL || found->agg->update_counting == NULL || found->filter_column >= 0 || found->is_distinct ||
	    batch->columns[found->arg_column].validity != NULL || batch->columns[found->arg_column].is_constant)
		return NULL;
	return found;
}

void tr_agg_layout_add(struct tr_agg_layout *layout, const struct tr_batch *batch, char *const *entries,
		       const uint32_t *rows, uint32_t count)
{
	const struct tr_agg_part *counting = counting_part(layout, batch);

	if (counting != NULL)
		counting->agg->update_counting(&counting->slot, entries, &batch->columns[counting->arg_column], rows,
					       count);
	else
		for (uint32_t i = 0; i < count; i++)
			++*tr_agg_entry_rows(entries[i]);
	for (uint32_t p = 0; p < layout->part_count; p++)
		if (!layout->parts[p].is_row_count && &layout->parts[p] != counting)
			part_update(layout, &layout->parts[p], batch, entries, rows, count);
}

static void merge_words(char *const *targets, char *const *sources, uint32_t count, uint32_t words)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t *restrict target = (uint64_t *)(void *)targets[i];
		const uint64_t *restrict source = (const uint64_t *)(const void *)sources[i];

		for (uint32_t w = 0; w < words; w++)
			target[w] += source[w];
	}
}

/** The values of the source's set that the target has not seen go through update, as if they were a column. */
static void merge_distinct(const struct tr_agg_part *part, char *target, char *source)
{
	const struct tr_distinct_set *from = *tr_agg_entry_set(part, source);
	struct tr_column column = {.type = part->slot.arg_type, .data = tr_distinct_values(from)};

	for (uint32_t i = 0; i < tr_distinct_count(from); i++)
		if (is_new(part, target, &column, i))
			part->agg->update(&part->slot, &target, &column, &i, 1);
}

void tr_agg_layout_merge(struct tr_agg_layout *layout, char *const *targets, char *const *sources, uint32_t count)
{
	if (layout->is_additive) {
		merge_words(targets, sources, count, layout->bytes / 8); /* what follows may be another entry's key */
		return;
	}
	merge_words(targets, sources, count, 1);
	for (uint32_t p = 0; p < layout->part_count; p++) {
		const struct tr_agg_part *part = &layout->parts[p];

		if (part->is_row_count)
			continue;
		if (part->is_distinct)
			for (uint32_t i = 0; i < count; i++)
				merge_distinct(part, targets[i], sources[i]);
		else if (part->agg->is_additive)
			for (uint32_t i = 0; i < count; i++)
				for (uint32_t at = part->slot.offset; at < part->slot.offset + part->agg->acc_bytes;
				     at += 8)
					*(uint64_t *)(void *)(targets[i] + at) +=
						*(uint64_t *)(void *)(sources[i] + at);
		else
			part->agg->merge(&part->slot, targets, sources, count);
	}
}

void tr_agg_layout_finish(const struct tr_agg_layout *layout, char *const *entries, uint32_t count,
			  struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t p = 0; p < layout->part_count; p++) {
		const struct tr_agg_part *part = &layout->parts[p];

		part->agg->finish(&part->slot, entries, count, &columns[p], at, heap);
	}
}

void tr_agg_layout_write(const struct tr_agg_layout *layout, char *const *entries, uint32_t count,
			 struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t p = 0; p < layout->part_count; p++) {
		const struct tr_agg_part *part = &layout->parts[p];

		if (!part->is_row_count)
			part->agg->write_partial(&part->slot, entries, count, columns + part->partial_column, at, heap);
	}
}

void tr_agg_layout_read(const struct tr_agg_layout *layout, char *const *entries, const struct tr_column *columns,
			const uint32_t *rows, uint32_t count)
{
	for (uint32_t p = 0; p < layout->part_count; p++) {
		const struct tr_agg_part *part = &layout->parts[p];

		if (!part->is_row_count)
			part->agg->read_partial(&part->slot, entries, columns + part->partial_column, rows, count);
	}
}

static tr_code check_sum(const struct tr_column *column, uint32_t row, struct tr_status *st)
{
	const struct tr_view *view = tr_column_view(column, row);

	if (tr_column_is_null(column, row) || !tr_exact_sum_is_valid(tr_view_text(view), view->length))
		TR_FAIL(st, TR_ERR_DATA, "a sum of floating point numbers in a state record is damaged");
	return TR_OK;
}

static tr_code check_partials(const struct tr_agg_part *part, const struct tr_column *partial,
			      const struct tr_column *row_counts, const uint32_t *rows, uint32_t count,
			      struct tr_status *st)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = tr_agg_row(rows, i);

		if (!part->agg->is_valid(&part->slot, partial, row, tr_column_i64(row_counts, row)))
			TR_FAIL(st, TR_ERR_DATA, "the state of an aggregate %s is damaged", part->agg->name);
	}
	return TR_OK;
}

/** False: look at each. */
static bool are_all_positive(const struct tr_column *column, const uint32_t *rows, uint32_t count)
{
	const int64_t *values = column->data;
	uint64_t signs = 0;

	if (rows != NULL || column->is_constant || column->type->phys != TR_PHYS_I64)
		return false;
	for (uint32_t i = 0; i < count; i++)
		signs |= (uint64_t)values[i] | ((uint64_t)values[i] - 1);
	return signs >> 63 == 0;
}

tr_code tr_agg_layout_check(const struct tr_agg_layout *layout, const struct tr_column *columns,
			    const struct tr_column *row_counts, const uint32_t *rows, uint32_t count,
			    struct tr_status *st)
{
	for (uint32_t i = are_all_positive(row_counts, rows, count) ? count : 0; i < count; i++) {
		const int64_t held = tr_column_i64(row_counts, tr_agg_row(rows, i));

		if (held <= 0)
			TR_FAIL(st, TR_ERR_DATA, "a state record has an entry of %lld rows", (long long)held);
	}
	for (uint32_t p = 0; p < layout->part_count; p++) {
		const struct tr_agg_part *part = &layout->parts[p];
		const struct tr_column *partial = columns + part->partial_column;
		const enum tr_agg_kind kind = part->agg->kind;

		if (part->is_row_count || kind == TR_AGG_MIN || kind == TR_AGG_MAX)
			continue;
		if (part->agg->is_valid != NULL) {
			TR_TRY(check_partials(part, partial, row_counts, rows, count, st));
			continue;
		}
		for (uint32_t i = 0; i < count; i++) { /* the last column counts the values */
			const uint32_t row = tr_agg_row(rows, i);
			const int64_t values = tr_column_i64(&partial[part->agg->partial_count - 1], row);

			if (values < 0 || values > tr_column_i64(row_counts, row))
				TR_FAIL(st, TR_ERR_DATA, "a state record counts %lld values of %lld rows",
					(long long)values, (long long)tr_column_i64(row_counts, row));
			if (partial[0].type->phys == TR_PHYS_VIEW)
				TR_TRY(check_sum(&partial[0], row, st));
		}
	}
	return TR_OK;
}

bool tr_agg_layout_is_owner(const struct tr_agg_layout *layout, char *entry)
{
	for (uint32_t p = 0; layout->owns_memory && p < layout->part_count; p++) {
		const struct tr_agg_part *part = &layout->parts[p];

		if (part->is_distinct && *tr_agg_entry_set(part, entry) != NULL)
			return true;
		if (part->agg->is_owner != NULL && part->agg->is_owner(&part->slot, entry))
			return true;
	}
	return false;
}

void tr_agg_layout_release(const struct tr_agg_layout *layout, char *const *entries, uint32_t count)
{
	for (uint32_t p = 0; layout->owns_memory && p < layout->part_count; p++) {
		const struct tr_agg_part *part = &layout->parts[p];

		if (part->is_distinct)
			for (uint32_t i = 0; i < count; i++) {
				*part->slot.owned -= tr_distinct_bytes(*tr_agg_entry_set(part, entries[i]));
				tr_distinct_destroy(tr_agg_entry_set(part, entries[i]));
			}
		if (part->agg->release != NULL)
			part->agg->release(&part->slot, entries, count);
	}
}
