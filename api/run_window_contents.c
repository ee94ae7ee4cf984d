/* SPDX-License-Identifier: Apache-2.0
 *
 * What a window has: an accumulator, a folded row, or all its rows; and how it comes to the window function, past the evictor. See
 * run_window.h.
 */
#include <stdlib.h>

#include "api/run_window.h"
#include "base/check.h"
#include "base/column_buffer.h"
#include "core/ops/value_bytes.h"

/* Adding. */

/** The entry with so many bytes of contents behind its fixed part. */
static struct tr_run_entry *upsert(struct tr_run_windows *w, const struct tr_run_place *place, size_t contents,
				   bool *is_new)
{
	struct tr_table_value value = {NULL, w->plan->contents_at + (uint32_t)contents};
	struct tr_run_entry *entry = NULL;

	if (w->slots != NULL)
		entry = tr_run_slot_entry(w, place, true, is_new);
	if (entry != NULL)
		return entry;
	(void)tr_table_upsert(w->entries, &place->entry, 1, &value, is_new);
	return value.bytes;
}

static char *contents_of(const struct tr_run_windows *w, struct tr_run_entry *entry)
{
	return (char *)entry + w->plan->contents_at;
}

static void add_to_accumulator(struct tr_run_windows *w, struct tr_run_entry *entry, const struct tr_row *row)
{
	const struct tr_window_function *function = &w->plan->function;

	if (!entry->has_contents && function->create != NULL)
		function->create(function->user, contents_of(w, entry));
	function->add(function->user, contents_of(w, entry), row);
}

/** The row is folded into what there is; the bytes are in w->fold. */
static tr_code fold(struct tr_run_windows *w, const struct tr_run_place *place, const struct tr_row *row)
{
	struct tr_run_entry *before = tr_run_window_entry(w, place);
	struct tr_row result = *row;

	if (before != NULL && before->has_contents)
		TR_TRY(tr_run_fold_add(&w->fold, contents_of(w, before), row, &result, w->st));
	tr_run_fold_write(&w->fold, &result);
	return TR_OK;
}

tr_code tr_run_contents_add(struct tr_run_windows *w, const struct tr_run_place *place, const struct tr_row *row,
			    struct tr_run_entry **entry, bool *is_new)
{
	switch (w->plan->contents) {
	case TR_RUN_ACCUMULATOR:
		*entry = upsert(w, place, w->plan->function.accumulator_bytes, is_new);
		add_to_accumulator(w, *entry, row);
		break;
	case TR_RUN_FOLDED:
		TR_TRY(fold(w, place, row));
		*entry = upsert(w, place, w->fold.bytes.length, is_new);
		memcpy(contents_of(w, *entry), w->fold.bytes.data, w->fold.bytes.length);
		break;
	case TR_RUN_ALL_ROWS:
		*entry = upsert(w, place, 0, is_new);
		TR_TRY(tr_run_rows_add(w, place, *entry, row));
		break;
	}
	(*entry)->has_contents = true;
	return TR_OK;
}

/* All rows. */

/** The rows that are not evicted, as the batch's selection. */
static void select_kept(struct tr_run_windows *w, struct tr_batch *batch)
{
	uint32_t count = 0;

	for (uint32_t row = 0; row < batch->row_count; row++)
		if (!w->sides[0].is_evicted[row])
			w->kept[count++] = row;
	batch->selection = count < batch->row_count ? w->kept : NULL;
	batch->selected_count = count;
}

static tr_code fold_rows(struct tr_run_windows *w, const struct tr_batch *batch, struct tr_row *result)
{
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		*result = row;
		if (i > 0)
			TR_TRY(tr_run_fold_add(&w->fold, w->fold.bytes.data, &row, result, w->st));
		tr_run_fold_write(&w->fold, result);
	}
	*result = tr_run_fold_read(&w->fold, w->fold.bytes.data);
	return TR_OK;
}

static tr_code emit_folded(struct tr_run_windows *w, const struct tr_window *window, const struct tr_row *row)
{
	const struct tr_window_function *function = &w->plan->function;

	if (function->process != NULL)
		return function->process(w->context, window, row->batch, w->out, w->st);
	tr_collector_add_row(w->out, row);
	return TR_OK;
}

/** The window function gets the rows, however it wants them. */
static tr_code emit_rows(struct tr_run_windows *w, const struct tr_window *window, const struct tr_batch *batch)
{
	const struct tr_window_function *function = &w->plan->function;
	struct tr_row folded;

	if (function->reduce != NULL) {
		if (batch->selected_count == 0)
			return TR_OK;
		TR_TRY(fold_rows(w, batch, &folded));
		return emit_folded(w, window, &folded);
	}
	if (function->add == NULL)
		return function->process(w->context, window, batch, w->out, w->st);
	memset(w->accumulator, 0, function->accumulator_bytes);
	if (function->create != NULL)
		function->create(function->user, w->accumulator);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		function->add(function->user, w->accumulator, &row);
	}
	return function->result(w->context, window, w->accumulator, w->out, w->st);
}

/** What was evicted goes. */
static void forget_evicted(struct tr_run_windows *w, const struct tr_run_place *place, const struct tr_batch *batch)
{
	if (batch->selected_count == 0)
		tr_run_contents_purge(w, place);
	else if (batch->selected_count < batch->row_count)
		tr_run_rows_keep(w, place);
}

/** Each row of the one with each of the other. */
static tr_code join(struct tr_run_windows *w, const struct tr_batch *left, const struct tr_batch *right)
{
	for (uint32_t i = 0; i < left->selected_count; i++) {
		const struct tr_row one = {left, i};

		for (uint32_t k = 0; k < right->selected_count; k++) {
			const struct tr_row other = {right, k};

			TR_TRY(w->plan->join(w->context, &one, &other, w->out, w->st));
		}
	}
	return TR_OK;
}

static tr_code emit_both(struct tr_run_windows *w, const struct tr_run_place *place)
{
	const struct tr_batch *left = &w->sides[0].batch->batch, *right = &w->sides[1].batch->batch;

	if (w->plan->join != NULL)
		return join(w, left, right);
	return w->plan->co_group.process(w->context, &place->window, left, right, w->out, w->st);
}

static tr_code emit_all_rows(struct tr_run_windows *w, const struct tr_run_place *place,
			     const struct tr_run_entry *entry)
{
	const struct tr_evictor *evictor = &w->plan->evictor;
	struct tr_batch batch;

	tr_run_rows_read(w, place, entry);
	if (w->plan->f.input_count > 1)
		return emit_both(w, place);
	batch = w->sides[0].batch->batch;
	if (evictor->before != NULL) {
		evictor->before(evictor, &place->window, &batch, w->sides[0].times, w->sides[0].is_evicted);
		select_kept(w, &batch);
	}
	TR_TRY(emit_rows(w, &place->window, &batch));
	if (evictor->after != NULL) {
		evictor->after(evictor, &place->window, &batch, w->sides[0].times, w->sides[0].is_evicted);
		select_kept(w, &batch);
	}
	if (w->plan->has_evictor)
		forget_evicted(w, place, &batch);
	return TR_OK;
}

static tr_code emit(struct tr_run_windows *w, const struct tr_run_place *place, struct tr_run_entry *entry)
{
	const struct tr_window_function *function = &w->plan->function;
	struct tr_row row;

	switch (w->plan->contents) {
	case TR_RUN_ACCUMULATOR:
		return function->result(w->context, &place->window, contents_of(w, entry), w->out, w->st);
	case TR_RUN_FOLDED:
		row = tr_run_fold_read(&w->fold, contents_of(w, entry));
		return emit_folded(w, &place->window, &row);
	case TR_RUN_ALL_ROWS: return emit_all_rows(w, place, entry);
	}
	TR_UNREACHABLE();
}

tr_code tr_run_contents_show(struct tr_run_windows *w, const struct tr_run_place *place, struct tr_run_entry *entry)
{
	struct tr_context *context = w->context;
	const int64_t timestamp_ms = context->timestamp_ms;
	tr_code code;

	if (w->plan->function.state_bytes > 0)
		w->window_state = (char *)entry + w->plan->state_at;
	context->is_firing = true;
	context->timestamp_ms = tr_window_last(&place->window);
	code = emit(w, place, entry);
	context->is_firing = false;
	context->timestamp_ms = timestamp_ms;
	w->window_state = NULL;
	return code;
}

tr_code tr_run_contents_emit(struct tr_run_windows *w, const struct tr_run_place *place)
{
	struct tr_run_entry *entry = tr_run_window_entry(w, place);

	return entry != NULL && entry->has_contents ? tr_run_contents_show(w, place, entry) : TR_OK;
}

/* Forgetting. */

void tr_run_contents_drop(struct tr_run_windows *w, const struct tr_run_place *place)
{
	struct tr_run_entry *entry;

	if (w->slots != NULL && tr_run_slot_drop(w, place))
		return;
	entry = w->rows != NULL ? tr_run_window_entry(w, place) : NULL;

	if (entry != NULL)
		tr_run_rows_clear(w, place, entry);
	(void)tr_table_erase(w->entries, &place->entry, 1);
}

void tr_run_contents_purge(struct tr_run_windows *w, const struct tr_run_place *place)
{
	struct tr_run_entry *entry = tr_run_window_entry(w, place);
	const uint32_t states = w->plan->contents_at - (uint32_t)sizeof(*entry);
	bool is_empty = true;

	if (entry == NULL)
		return;
	for (uint32_t i = 0; i < states && is_empty; i++)
		is_empty = entry->trigger_state[i] == 0;
	if (is_empty) {
		tr_run_contents_drop(w, place);
		return;
	}
	if (w->rows != NULL)
		tr_run_rows_clear(w, place, entry);
	entry->has_contents = false;
	if (w->plan->contents == TR_RUN_ACCUMULATOR)
		memset(contents_of(w, entry), 0, w->plan->function.accumulator_bytes);
}

/* Merging. */

static tr_code merge_folded(struct tr_run_windows *w, const struct tr_run_place *into, const char *bytes)
{
	struct tr_batch_buffer *batch;
	struct tr_run_entry *entry;
	struct tr_row other;
	bool is_new;

	tr_run_rows_make_room(w, 0, 1);
	batch = w->sides[0].batch;
	tr_batch_buffer_clear(batch);
	for (uint32_t c = 0; c < batch->batch.schema->column_count; c++)
		bytes = tr_value_bytes_take(bytes, &batch->columns[c], 0, &batch->heap);
	tr_batch_buffer_seal(batch, 1);
	other = (struct tr_row){&batch->batch, 0};
	TR_TRY(fold(w, into, &other));
	entry = upsert(w, into, w->fold.bytes.length, &is_new);
	memcpy(contents_of(w, entry), w->fold.bytes.data, w->fold.bytes.length);
	entry->has_contents = true;
	return TR_OK;
}

static void merge_accumulator(struct tr_run_windows *w, const struct tr_run_place *into, const char *bytes)
{
	const struct tr_window_function *function = &w->plan->function;
	bool is_new;
	struct tr_run_entry *entry = upsert(w, into, function->accumulator_bytes, &is_new);

	memcpy(w->accumulator, bytes, function->accumulator_bytes);
	if (entry->has_contents)
		function->merge(function->user, contents_of(w, entry), w->accumulator);
	else
		memcpy(contents_of(w, entry), w->accumulator, function->accumulator_bytes);
	entry->has_contents = true;
}

tr_code tr_run_contents_merge(struct tr_run_windows *w, const struct tr_run_place *into, const struct tr_run_place *from)
{
	struct tr_table_value value;
	tr_code code = TR_OK;

	if (w->plan->contents == TR_RUN_ALL_ROWS) {
		tr_run_rows_move(w, into, from);
		tr_run_contents_drop(w, from);
		return TR_OK;
	}
	(void)tr_table_find(w->entries, &from->entry, 1, &value);
	if (value.bytes != NULL && ((struct tr_run_entry *)value.bytes)->has_contents) {
		tr_bytes_clear(&w->scratch);
		tr_bytes_append(&w->scratch, (const char *)value.bytes + w->plan->contents_at,
				value.length - w->plan->contents_at);
		if (w->plan->contents == TR_RUN_ACCUMULATOR)
			merge_accumulator(w, into, w->scratch.data);
		else
			code = merge_folded(w, into, w->scratch.data);
	}
	tr_run_contents_drop(w, from);
	return code;
}
