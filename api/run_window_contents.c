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

static void put_row(struct tr_run_windows *w, const struct tr_run_place *place, uint64_t number, const char *bytes,
		    size_t length)
{
	const uint64_t sort = __builtin_bswap64(number);
	const struct tr_sorted_row row = {&sort, sizeof(sort), bytes, (uint32_t)length};

	(void)tr_sorted_table_put(w->rows, &place->entry, &row);
}

/** Time and columns of a row, in w->scratch. */
static tr_code write_row(struct tr_run_windows *w, const struct tr_row *row)
{
	const int64_t time_ms = tr_context_timestamp(w->context);

	tr_bytes_clear(&w->scratch);
	tr_bytes_append(&w->scratch, (const char *)&time_ms, sizeof(time_ms));
	for (uint32_t c = 0; c < row->batch->schema->column_count; c++)
		tr_value_bytes_append(&w->scratch, &row->batch->columns[c], row->row);
	if (w->scratch.length > TR_SORTED_ROW_BYTES_MAX)
		TR_FAIL(w->st, TR_ERR_DATA, "a row has %zu bytes; %u are the most that a window keeps",
			w->scratch.length, TR_SORTED_ROW_BYTES_MAX);
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
		TR_TRY(write_row(w, row));
		*entry = upsert(w, place, 0, is_new);
		put_row(w, place, (*entry)->next_row++, w->scratch.data, w->scratch.length);
		break;
	}
	(*entry)->has_contents = true;
	return TR_OK;
}

/* All rows. */

static void make_room(struct tr_run_windows *w, uint32_t rows)
{
	if (w->batch != NULL && rows <= w->batch_room)
		return;
	if (w->batch == NULL)
		w->batch = tr_batch_buffer_create(w->context->inputs[0], 1);
	w->batch_room = TR_MAX(TR_MAX(rows, 64u), 2 * w->batch_room);
	/* More rows than other batches have: only the columns are used. */
	for (uint32_t c = 0; c < w->context->inputs[0]->column_count; c++)
		tr_column_buffer_reserve(&w->batch->columns[c], w->batch_room);
	w->batch->capacity = w->batch_room;
	w->times = tr_checked(realloc(w->times, w->batch_room * sizeof(*w->times)));
	w->numbers = tr_checked(realloc(w->numbers, w->batch_room * sizeof(*w->numbers)));
	w->is_evicted = tr_checked(realloc(w->is_evicted, w->batch_room * sizeof(*w->is_evicted)));
	w->kept = tr_checked(realloc(w->kept, w->batch_room * sizeof(*w->kept)));
}

static void read_row(struct tr_run_windows *w, const struct tr_sorted_row *row, uint32_t at)
{
	const char *bytes = row->bytes;
	uint64_t number;

	memcpy(&number, row->sort, sizeof(number));
	w->numbers[at] = __builtin_bswap64(number);
	memcpy(&w->times[at], bytes, sizeof(int64_t));
	bytes += sizeof(int64_t);
	for (uint32_t c = 0; c < w->context->inputs[0]->column_count; c++)
		bytes = tr_value_bytes_take(bytes, &w->batch->columns[c], at, &w->batch->heap);
}

/** All rows of the window to w->batch. */
static void read_rows(struct tr_run_windows *w, const struct tr_run_place *place)
{
	struct tr_sorted_row rows[64];
	uint64_t count, from = 0;
	uint32_t n, at = 0;

	(void)tr_sorted_table_count(w->rows, &place->entry, &count);
	TR_ASSERT(count <= INT32_MAX);
	make_room(w, (uint32_t)count);
	tr_batch_buffer_clear(w->batch);
	do {
		(void)tr_sorted_table_range(w->rows, &place->entry, &from, sizeof(from), at > 0,
					    (uint32_t)TR_COUNT_OF(rows), rows, &n);
		for (uint32_t i = 0; i < n; i++)
			read_row(w, &rows[i], at++);
		if (n > 0)
			memcpy(&from, rows[n - 1].sort, sizeof(from));
	} while (n > 0);
	tr_batch_buffer_seal(w->batch, at);
	memset(w->is_evicted, 0, at * sizeof(*w->is_evicted));
}

/** The rows that are not evicted, as the batch's selection. */
static void select_kept(struct tr_run_windows *w, struct tr_batch *batch)
{
	uint32_t count = 0;

	for (uint32_t row = 0; row < batch->row_count; row++)
		if (!w->is_evicted[row])
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
	if (batch->selected_count == 0) {
		tr_run_contents_purge(w, place);
		return;
	}
	for (uint32_t row = 0; row < batch->row_count; row++) {
		const uint64_t sort = __builtin_bswap64(w->numbers[row]);

		if (w->is_evicted[row])
			(void)tr_sorted_table_erase(w->rows, &place->entry, &sort, sizeof(sort), NULL);
	}
}

static tr_code emit_all_rows(struct tr_run_windows *w, const struct tr_run_place *place)
{
	const struct tr_evictor *evictor = &w->plan->evictor;
	struct tr_batch batch;

	read_rows(w, place);
	batch = w->batch->batch;
	if (evictor->before != NULL) {
		evictor->before(evictor, &place->window, &batch, w->times, w->is_evicted);
		select_kept(w, &batch);
	}
	TR_TRY(emit_rows(w, &place->window, &batch));
	if (evictor->after != NULL) {
		evictor->after(evictor, &place->window, &batch, w->times, w->is_evicted);
		select_kept(w, &batch);
	}
	if (w->plan->has_evictor)
		forget_evicted(w, place, &batch);
	return TR_OK;
}

tr_code tr_run_contents_emit(struct tr_run_windows *w, const struct tr_run_place *place)
{
	const struct tr_window_function *function = &w->plan->function;
	struct tr_run_entry *entry = tr_run_window_entry(w, place);
	struct tr_row row;
	tr_code code = TR_OK;

	if (entry == NULL || !entry->has_contents)
		return TR_OK;
	if (function->state_bytes > 0)
		w->window_state = (char *)entry + w->plan->state_at;
	switch (w->plan->contents) {
	case TR_RUN_ACCUMULATOR:
		code = function->result(w->context, &place->window, contents_of(w, entry), w->out, w->st);
		break;
	case TR_RUN_FOLDED:
		row = tr_run_fold_read(&w->fold, contents_of(w, entry));
		code = emit_folded(w, &place->window, &row);
		break;
	case TR_RUN_ALL_ROWS: code = emit_all_rows(w, place); break;
	}
	w->window_state = NULL;
	return code;
}

/* Forgetting. */

void tr_run_contents_drop(struct tr_run_windows *w, const struct tr_run_place *place)
{
	if (w->rows != NULL)
		(void)tr_sorted_table_clear(w->rows, &place->entry);
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
		(void)tr_sorted_table_clear(w->rows, &place->entry);
	entry->has_contents = false;
	entry->next_row = 0;
	if (w->plan->contents == TR_RUN_ACCUMULATOR)
		memset(contents_of(w, entry), 0, w->plan->function.accumulator_bytes);
}

/* Merging. */

/** The rows of `from`, as they are. */
static void move_rows(struct tr_run_windows *w, const struct tr_run_place *into, const struct tr_run_place *from)
{
	struct tr_run_entry *entry;
	struct tr_sorted_row row;
	uint64_t at = 0, next;
	bool is_new, is_after = false;

	entry = upsert(w, into, 0, &is_new);
	entry->has_contents = true;
	next = entry->next_row;
	for (;; is_after = true) {
		(void)tr_sorted_table_seek(w->rows, &from->entry, &at, sizeof(at), is_after, &row);
		if (row.bytes == NULL)
			break;
		memcpy(&at, row.sort, sizeof(at));
		tr_bytes_clear(&w->scratch);
		tr_bytes_append(&w->scratch, row.bytes, row.length);
		put_row(w, into, next++, w->scratch.data, w->scratch.length);
	}
	entry->next_row = next;
}

static tr_code merge_folded(struct tr_run_windows *w, const struct tr_run_place *into, const char *bytes)
{
	const struct tr_schema *schema = w->context->inputs[0];
	struct tr_run_entry *entry;
	struct tr_row other;
	bool is_new;

	make_room(w, 1);
	tr_batch_buffer_clear(w->batch);
	for (uint32_t c = 0; c < schema->column_count; c++)
		bytes = tr_value_bytes_take(bytes, &w->batch->columns[c], 0, &w->batch->heap);
	tr_batch_buffer_seal(w->batch, 1);
	other = (struct tr_row){&w->batch->batch, 0};
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

	(void)tr_table_find(w->entries, &from->entry, 1, &value);
	if (value.bytes != NULL && ((struct tr_run_entry *)value.bytes)->has_contents) {
		tr_bytes_clear(&w->scratch);
		tr_bytes_append(&w->scratch, (const char *)value.bytes + w->plan->contents_at,
				value.length - w->plan->contents_at);
		switch (w->plan->contents) {
		case TR_RUN_ACCUMULATOR: merge_accumulator(w, into, w->scratch.data); break;
		case TR_RUN_FOLDED: code = merge_folded(w, into, w->scratch.data); break;
		case TR_RUN_ALL_ROWS: move_rows(w, into, from); break;
		}
	}
	tr_run_contents_drop(w, from);
	return code;
}
