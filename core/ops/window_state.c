/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of window operators; see the header. Everything is put together in images: batch buffers of a record's schema,
 * one a kind, made when the first record of the kind is written.
 */
#include "core/ops/window_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/type.h"
#include "core/ops/agg_distinct.h"
#include "core/ops/window_output.h"
#include "state/key_group.h"
#include "state/spill.h"

#define ENTRIES_FOR_MEAN 1000
#define ENTRY_BYTES_MIN 2 /* in a record: no smaller ones are expected */
#define ENTRIES_EXPECTED_MAX ((uint64_t)1 << 30)

/** The place of a kind; kind_count: there is none. */
static uint32_t find_kind(const struct tr_window_state *state, uint16_t kind)
{
	uint32_t at = 0;

	while (at < state->kind_count && state->kinds[at].kind != kind)
		at++;
	return at;
}

void tr_window_state_deinit(struct tr_window_state *state)
{
	if (state->kinds == NULL)
		return;
	for (uint32_t i = 0; i < state->kind_count; i++) {
		tr_batch_buffer_destroy(&state->images[i]);
		tr_rows_deinit(&state->read[i]);
	}
	tr_bytes_deinit(&state->bytes);
	tr_arena_deinit(&state->arena);
	free(state->kinds);
	free(state->images);
	free(state->read);
	free(state->columns);
	free(state->live);
	free(state->rows);
	free(state->hashes);
	memset(state, 0, sizeof(*state));
}

const struct tr_state_kind *tr_window_state_kinds(struct tr_window_op *w, uint32_t *count)
{
	tr_window_state_set_up(w);
	*count = w->state.kind_count;
	return w->state.kinds;
}

/* -- saving -- */

static struct tr_batch_buffer *image_of(struct tr_window_op *w, uint16_t kind, uint32_t rows)
{
	struct tr_window_state *state = &w->state;
	uint32_t at;

	tr_window_state_set_up(w);
	at = find_kind(state, kind);
	TR_ASSERT(at < state->kind_count && rows <= TR_ROWS_MAX);
	if (state->images[at] != NULL && state->images[at]->capacity < rows)
		tr_batch_buffer_destroy(&state->images[at]);
	if (state->images[at] == NULL)
		state->images[at] = tr_batch_buffer_create(state->kinds[at].schema, TR_MAX(rows, state->piece));
	tr_batch_buffer_clear(state->images[at]);
	return state->images[at];
}

/** Writes `count` rows of state->columns as a record. */
static tr_code put(struct tr_window_op *w, struct tr_state_writer *writer, uint16_t kind, uint32_t count,
		   struct tr_status *st)
{
	struct tr_window_state *state = &w->state;
	const struct tr_state_kind *of = &state->kinds[find_kind(state, kind)];
	const struct tr_state_record record = {.kind = kind, .is_keyed = of->is_keyed};
	struct tr_state_record written = record;

	tr_bytes_clear(&state->bytes);
	tr_rows_write(state->columns, of->schema->column_count, count, &state->bytes);
	written.bytes = state->bytes.data;
	written.length = state->bytes.length;
	state->bytes_put += written.length;
	if (kind == TR_WINDOW_STATE_ENTRIES || kind == TR_WINDOW_STATE_SESSIONS)
		state->entries_put += count;
	if (kind == TR_WINDOW_STATE_ENTRIES || kind == TR_WINDOW_STATE_SESSIONS || kind >= TR_WINDOW_STATE_VALUES)
		state->entry_bytes_put += written.length;
	TR_TRY(tr_window_op_check(w, st)); /* what does not fit was left out */
	return writer->put(writer, &written, st);
}

static void show_image(struct tr_window_state *state, const struct tr_batch_buffer *image, uint32_t column_count)
{
	for (uint32_t c = 0; c < column_count; c++)
		state->columns[c] = tr_column_buffer_view(&image->columns[c]);
}

static struct tr_column number_column(const int64_t *values, bool is_constant)
{
	return (struct tr_column){.type = tr_type_of(TR_TYPE_BIGINT), .data = values, .is_constant = is_constant};
}

tr_code tr_window_state_put_mark(struct tr_window_op *w, struct tr_state_writer *writer, int64_t mark,
				 struct tr_status *st)
{
	const int64_t values[TR_WINDOW_STATE_MARK_COLUMNS] = {w->watermark_ms, w->forwarded_ms, mark};

	tr_window_state_set_up(w);
	if (w->state.kinds[2].schema->column_count > TR_COLUMNS_MAX)
		TR_FAIL(st, TR_ERR_DATA, "window: too many aggregates to be saved: an entry has %u columns",
			w->state.kinds[2].schema->column_count);
	for (uint32_t c = 0; c < TR_WINDOW_STATE_MARK_COLUMNS; c++)
		w->state.columns[c] = number_column(&values[c], false);
	return put(w, writer, TR_WINDOW_STATE_OPERATOR, 1, st);
}

tr_code tr_window_state_put_slices(struct tr_window_op *w, struct tr_state_writer *writer,
				   const struct tr_window_slice_state *slices, uint32_t count, struct tr_status *st)
{
	for (uint32_t first = 0; first < count; first += TR_ROWS_MAX) {
		const uint32_t n = TR_MIN(count - first, (uint32_t)TR_ROWS_MAX);
		struct tr_batch_buffer *image = image_of(w, TR_WINDOW_STATE_SLICES, n);

		for (uint32_t i = 0; i < n; i++) {
			((int64_t *)image->columns[0].data)[i] = slices[first + i].id;
			((int64_t *)image->columns[1].data)[i] = slices[first + i].start;
			((int64_t *)image->columns[2].data)[i] = slices[first + i].first_end;
			((int64_t *)image->columns[3].data)[i] = slices[first + i].base;
			((int64_t *)image->columns[4].data)[i] = slices[first + i].entries;
		}
		show_image(&w->state, image, TR_WINDOW_STATE_SLICE_COLUMNS);
		TR_TRY(put(w, writer, TR_WINDOW_STATE_SLICES, n, st));
	}
	return TR_OK;
}

uint32_t tr_window_state_piece(struct tr_window_op *w)
{
	tr_window_state_set_up(w);
	return w->state.piece;
}

struct tr_column_buffer *tr_window_state_image(struct tr_window_op *w, struct tr_heap **heap)
{
	struct tr_batch_buffer *image = image_of(w, TR_WINDOW_STATE_ENTRIES, 0);

	*heap = &image->heap;
	return image->columns;
}

tr_code tr_window_state_put_entries(struct tr_window_op *w, struct tr_state_writer *writer, char *const *entries,
				    uint32_t count, const int64_t *starts, const int64_t *ends, bool is_one_window,
				    int64_t slice, struct tr_status *st)
{
	struct tr_window_state *state = &w->state;
	struct tr_batch_buffer *image = state->images[find_kind(state, TR_WINDOW_STATE_ENTRIES)];
	uint32_t c = w->plan->key_count;
	int64_t *counts;

	TR_ASSERT(image != NULL && count <= image->capacity);
	tr_agg_layout_write(&w->layout, entries, count, image->columns + c, 0, &image->heap);
	c += w->layout.partial_count;
	counts = image->columns[c + 2].data;
	for (uint32_t i = 0; i < count; i++)
		counts[i] = *tr_agg_entry_rows(entries[i]);
	show_image(state, image, c);
	state->columns[c] = number_column(starts, is_one_window);
	state->columns[c + 1] = number_column(ends, is_one_window);
	state->columns[c + 2] = number_column(counts, false);
	state->columns[c + 3] = number_column(&slice, true);
	return put(w, writer, TR_WINDOW_STATE_ENTRIES, count, st);
}

/** Writes `count` rows of an image of values: the columns behind them are constant. */
static tr_code put_values_image(struct tr_window_op *w, struct tr_state_writer *writer, uint16_t kind,
				const struct tr_batch_buffer *image, uint32_t count, int64_t slice,
				struct tr_status *st)
{
	const uint32_t columns = w->plan->key_count + TR_WINDOW_STATE_VALUES_COLUMNS - 1;

	show_image(&w->state, image, columns);
	w->state.columns[columns] = number_column(&slice, true);
	return put(w, writer, kind, count, st);
}

/** What part `p` of the entries has seen. */
static tr_code put_values(struct tr_window_op *w, struct tr_state_writer *writer, uint32_t p, const uint32_t *slots,
			  char *const *entries, uint32_t count, const int64_t *starts, const int64_t *ends,
			  bool is_one_window, int64_t slice, struct tr_status *st)
{
	const uint16_t kind = (uint16_t)(TR_WINDOW_STATE_VALUES + p);
	const struct tr_agg_part *part = &w->layout.parts[p];
	const size_t width = tr_phys_bytes((enum tr_phys)part->slot.arg_type->phys);
	const uint32_t keys = w->plan->key_count;
	struct tr_batch_buffer *image = image_of(w, kind, 0);
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct tr_distinct_set *set = *tr_agg_entry_set(part, entries[i]);
		const uint32_t values = tr_distinct_count(set);

		for (uint32_t v = 0; v < values;) {
			const uint32_t take = TR_MIN(values - v, image->capacity - n);
			const struct tr_column column = {
				.type = part->slot.arg_type,
				.data = (const char *)tr_distinct_values(set) + v * width,
			};

			for (uint32_t r = n; r < n + take; r++) {
				tr_key_table_gather(w->keys, &slots[i], 1, image->columns, r, &image->heap);
				((int64_t *)image->columns[keys].data)[r] = starts[is_one_window ? 0 : i];
				((int64_t *)image->columns[keys + 1].data)[r] = ends[is_one_window ? 0 : i];
			}
			tr_column_buffer_gather(&image->columns[keys + 2], n, &column, NULL, take, &image->heap);
			n += take;
			v += take;
			if (n < image->capacity)
				continue;
			TR_TRY(put_values_image(w, writer, kind, image, n, slice, st));
			tr_batch_buffer_clear(image);
			n = 0;
		}
	}
	return n == 0 ? TR_OK : put_values_image(w, writer, kind, image, n, slice, st);
}

tr_code tr_window_state_put_slots(struct tr_window_op *w, struct tr_state_writer *writer, const uint32_t *slots,
				  char *const *entries, uint32_t count, const int64_t *starts, const int64_t *ends,
				  bool is_one_window, int64_t slice, struct tr_status *st)
{
	struct tr_heap *heap;
	struct tr_column_buffer *columns = tr_window_state_image(w, &heap);

	tr_key_table_gather(w->keys, slots, count, columns, 0, heap);
	TR_TRY(tr_window_state_put_entries(w, writer, entries, count, starts, ends, is_one_window, slice, st));
	for (uint32_t p = 0; p < w->layout.part_count; p++)
		if (w->layout.parts[p].is_distinct)
			TR_TRY(put_values(w, writer, p, slots, entries, count, starts, ends, is_one_window, slice, st));
	return TR_OK;
}

struct tr_batch_buffer *tr_window_state_begin(struct tr_window_op *w, uint16_t kind) { return image_of(w, kind, 0); }

tr_code tr_window_state_put(struct tr_window_op *w, struct tr_state_writer *writer, uint16_t kind, uint32_t count,
			    struct tr_status *st)
{
	const struct tr_batch_buffer *image = w->state.images[find_kind(&w->state, kind)];

	show_image(&w->state, image, image->batch.schema->column_count);
	return put(w, writer, kind, count, st);
}

tr_code tr_window_state_put_waiting(struct tr_window_op *w, struct tr_state_writer *writer,
				    const struct tr_batch *batch, const uint32_t *rows, const int64_t *watermarks,
				    uint32_t count, struct tr_status *st)
{
	for (uint32_t first = 0; first < count; first += w->state.piece) {
		struct tr_batch_buffer *image = image_of(w, TR_WINDOW_STATE_WAITING, 0);
		const uint32_t columns = image->batch.schema->column_count - 1;
		const uint32_t n = TR_MIN(count - first, w->state.piece);

		for (uint32_t c = 0; c < columns; c++)
			tr_column_buffer_gather(&image->columns[c], 0, &batch->columns[w->state.order[c]], rows + first,
						n, &image->heap);
		show_image(&w->state, image, columns);
		w->state.columns[columns] = number_column(watermarks + first, false);
		TR_TRY(put(w, writer, TR_WINDOW_STATE_WAITING, n, st));
	}
	return TR_OK;
}

uint64_t tr_window_state_bytes(struct tr_window_op *w, uint64_t count)
{
	const struct tr_window_state *state = &w->state;
	uint64_t row_bytes = 8;

	tr_window_state_set_up(w);
	if (state->entries_put > ENTRIES_FOR_MEAN)
		return (uint64_t)((double)count * (double)state->entry_bytes_put / (double)state->entries_put);
	for (uint32_t c = 0; c + TR_WINDOW_STATE_ENTRY_COLUMNS < w->state.kinds[2].schema->column_count; c++)
		row_bytes += tr_phys_bytes((enum tr_phys)w->state.kinds[2].schema->types[c]->phys);
	return count * row_bytes;
}

/* -- loading -- */

static tr_code read_rows(struct tr_window_op *w, const struct tr_state_record *record, const struct tr_batch **batch,
			 struct tr_status *st)
{
	struct tr_window_state *state = &w->state;
	uint32_t at;

	tr_window_state_set_up(w);
	at = find_kind(state, record->kind);
	if (at == state->kind_count || state->kinds[at].is_keyed != record->is_keyed)
		TR_FAIL(st, TR_ERR_DATA, "%s: a state record of the unknown kind %u", w->op.ops->name, record->kind);
	if (state->kinds[at].schema->column_count > TR_COLUMNS_MAX)
		TR_FAIL(st, TR_ERR_DATA, "window: too many aggregates to be loaded");
	return tr_rows_read(&state->read[at], state->kinds[at].schema, record->bytes, record->length, batch, st);
}

static tr_code load_mark(struct tr_window_op *w, const struct tr_state_record *record, struct tr_status *st)
{
	struct tr_window_state *state = &w->state;
	const struct tr_batch *batch;
	int64_t values[TR_WINDOW_STATE_MARK_COLUMNS];

	TR_TRY(read_rows(w, record, &batch, st));
	if (batch->row_count != 1 || state->has_stream)
		TR_FAIL(st, TR_ERR_DATA, "%s: a state stream has not one operator record", w->op.ops->name);
	for (uint32_t c = 0; c < TR_WINDOW_STATE_MARK_COLUMNS; c++)
		values[c] = tr_column_i64(&batch->columns[c], 0);
	state->has_stream = true;
	state->stream_watermark_ms = values[0];
	if (!state->has_any || values[0] < state->watermark_ms)
		state->mark = values[2];
	else if (values[0] == state->watermark_ms)
		state->mark = TR_MAX(state->mark, values[2]);
	state->watermark_ms = state->has_any ? TR_MIN(state->watermark_ms, values[0]) : values[0];
	state->forwarded_ms = state->has_any ? TR_MIN(state->forwarded_ms, values[1]) : values[1];
	state->has_any = true;
	return TR_OK;
}

/** Whether a slice is one that this plan can have. */
static bool is_slice(const struct tr_window_clock *clock, int64_t start, int64_t first_end)
{
	int64_t natural;

	if (start < -2 * TR_WINDOW_TIME_MAX + 2 || start > TR_WINDOW_TIME_MAX ||
	    tr_window_slice_start(clock, start) != start)
		return false;
	natural = tr_window_first_end(clock, start);
	return first_end >= natural && first_end <= tr_window_last_end(clock, start) &&
	       (first_end - natural) % clock->spec.step_ms == 0;
}

/** The same for a window. */
static bool is_window(const struct tr_window_clock *clock, int64_t start, int64_t end)
{
	const struct tr_window_spec *spec = &clock->spec;

	if (start < -2 * TR_WINDOW_TIME_MAX + 2 || start > TR_WINDOW_TIME_MAX || end <= start ||
	    end > 2 * (TR_WINDOW_TIME_MAX - 1))
		return false;
	switch (spec->kind) {
	case TR_WINDOW_SESSION: return end - start >= spec->size_ms;
	case TR_WINDOW_CUMULATE:
		return tr_window_floor(start, spec->offset_ms, spec->size_ms) == start &&
		       end - start <= spec->size_ms && (end - start) % spec->step_ms == 0;
	case TR_WINDOW_TUMBLE:
	case TR_WINDOW_HOP:
		return tr_window_floor(start, spec->offset_ms, spec->step_ms) == start && end - start == spec->size_ms;
	}
	TR_UNREACHABLE();
}

static tr_code load_slices(struct tr_window_op *w, const struct tr_state_record *record, struct tr_status *st)
{
	struct tr_window_state *state = &w->state;
	const struct tr_batch *batch;

	TR_TRY(read_rows(w, record, &batch, st));
	if (state->live_count + batch->row_count > state->live_capacity) {
		state->live_capacity = TR_MAX(state->live_capacity * 2, state->live_count + batch->row_count);
		state->live = realloc(state->live, state->live_capacity * sizeof(*state->live));
		TR_ASSERT(state->live != NULL);
	}
	for (uint32_t i = 0; i < batch->row_count; i++) {
		const struct tr_window_slice_state slice = {
			.id = tr_column_i64(&batch->columns[0], i),
			.start = tr_column_i64(&batch->columns[1], i),
			.first_end = TR_BUG("window-late-again")
					     ? tr_window_first_end(&w->clock, tr_column_i64(&batch->columns[1], i))
					     : tr_column_i64(&batch->columns[2], i),
			.base = tr_column_i64(&batch->columns[3], i),
			.entries = tr_column_i64(&batch->columns[4], i),
		};

		if (w->are_slices_windows ? !is_window(&w->clock, slice.start, slice.first_end)
					  : !is_slice(&w->clock, slice.start, slice.first_end))
			TR_FAIL(st, TR_ERR_DATA, "%s: a state record names a slice that there can't be: %lld to %lld",
				w->op.ops->name, (long long)slice.start, (long long)slice.first_end);
		state->live[state->live_count++] = slice;
	}
	return TR_OK;
}

const struct tr_window_slice_state *tr_window_state_slice(const struct tr_window_op *w, int64_t id)
{
	for (uint32_t i = 0; i < w->state.live_count; i++)
		if (w->state.live[i].id == id)
			return &w->state.live[i];
	return NULL;
}

tr_code tr_window_state_load(struct tr_window_op *w, const struct tr_state_origin *origin,
			     const struct tr_state_record *record, bool *is_taken, struct tr_status *st)
{
	struct tr_window_state *state = &w->state;

	*is_taken = !record->is_keyed;
	if (state->stream == 0 || state->origin.subtask != origin->subtask) {
		state->stream++;
		state->origin = *origin;
		state->has_stream = false;
		state->live_count = 0;
	}
	if (!record->is_keyed && record->kind == TR_WINDOW_STATE_OPERATOR)
		return load_mark(w, record, st);
	if (!state->has_stream)
		TR_FAIL(st, TR_ERR_DATA, "%s: a state stream does not begin with its operator record", w->op.ops->name);
	return record->is_keyed ? TR_OK : load_slices(w, record, st);
}

uint32_t tr_window_state_expected(const struct tr_window_op *w, const struct tr_window_slice_state *slice,
				  const struct tr_state_record *record, uint32_t rows)
{
	const struct tr_state_origin *origin = &w->state.origin;
	const uint64_t entry_bytes = TR_MAX(record->length / TR_MAX(rows, 1), ENTRY_BYTES_MIN);
	const uint64_t entries_max = TR_MIN(origin->bytes_max / entry_bytes, ENTRIES_EXPECTED_MAX);
	uint64_t entries;

	if (slice->entries <= 0 || w->op.context->memory_limit > 0)
		return 0;
	/* Those of the other streams are as many, and all subtasks share them. */
	entries = TR_MIN((uint64_t)slice->entries, entries_max);
	if (!origin->is_dealt_alike)
		entries = entries * origin->subtask_count / TR_MAX(w->op.context->subtask_count, 1);
	return (uint32_t)TR_MIN(entries, entries_max);
}

int64_t tr_window_state_loaded(struct tr_window_op *w, int64_t fallback)
{
	const struct tr_window_state *state = &w->state;

	if (!state->has_any)
		return fallback;
	if (TR_BUG("window-fired-lost"))
		return fallback;
	w->watermark_ms = state->watermark_ms;
	w->forwarded_ms = w->op.metrics.watermark_ms = state->forwarded_ms;
	return state->mark;
}

static void reserve_rows(struct tr_window_state *state, uint32_t count)
{
	if (count <= state->row_capacity)
		return;
	state->row_capacity = count;
	state->rows = realloc(state->rows, count * sizeof(*state->rows));
	state->hashes = realloc(state->hashes, count * sizeof(*state->hashes));
	TR_ASSERT(state->rows != NULL && state->hashes != NULL);
}

/** Hashes of the keys, by which rows are dealt to subtasks, into state->hashes. */
static void hash_keys(struct tr_window_op *w, const struct tr_column *columns, uint32_t count)
{
	const uint32_t keys = w->plan->key_count;
	uint64_t *hashes = w->state.hashes;

	if (keys > 0)
		tr_hash_column(&columns[0], NULL, count, hashes);
	for (uint32_t k = 1; k < keys; k++)
		tr_hash_column_combine(&columns[k], NULL, count, hashes);
}

void tr_window_state_buckets(struct tr_window_op *w, const struct tr_column *columns, uint32_t count, uint8_t *buckets)
{
	struct tr_window_state *state = &w->state;

	reserve_rows(state, count);
	hash_keys(w, columns, count);
	for (uint32_t i = 0; i < count; i++)
		buckets[i] = w->plan->key_count > 0 ? tr_spill_bucket(state->hashes[i]) : 0;
}

void tr_window_state_keep_buckets(struct tr_window_op *w, struct tr_window_rows *rows, uint32_t first, uint32_t count)
{
	struct tr_window_state *state = &w->state;
	uint32_t n = 0;

	reserve_rows(state, rows->batch->row_count);
	hash_keys(w, rows->batch->columns, rows->batch->row_count);
	for (uint32_t i = 0; i < rows->count; i++) {
		const uint32_t row = rows->rows != NULL ? rows->rows[i] : i;

		state->rows[n] = row; /* which rows->rows may be */
		n += w->plan->key_count == 0 || tr_spill_bucket(state->hashes[row]) - first < count;
	}
	rows->rows = state->rows;
	rows->count = n;
}

/** Which rows of a batch that begins with the keys belong to this subtask. */
static void keep_own(struct tr_window_op *w, const struct tr_batch *batch, struct tr_window_rows *rows)
{
	const struct tr_op_context *context = w->op.context;
	const uint32_t groups = context->key_groups != 0 ? context->key_groups : TR_KEY_GROUPS_DEFAULT;
	const uint32_t keys = w->plan->key_count;
	struct tr_window_state *state = &w->state;

	*rows = (struct tr_window_rows){.batch = batch, .count = batch->row_count};
	if (context->subtask_count <= 1 || state->origin.is_dealt_alike)
		return;
	reserve_rows(state, batch->row_count);
	rows->rows = state->rows;
	rows->count = 0;
	hash_keys(w, batch->columns, batch->row_count);
	for (uint32_t i = 0; i < batch->row_count; i++) {
		const uint32_t group = keys > 0 ? tr_key_group(state->hashes[i], groups) : 0;

		if ((TR_BUG("restore-deals-wrong")
			     ? group % context->subtask_count
			     : tr_key_group_subtask(group, groups, context->subtask_count)) == context->subtask)
			state->rows[rows->count++] = i;
	}
}

static bool is_one_value(const int64_t *values, uint32_t count)
{
	return count <= 1 || memcmp(values, values + 1, (count - 1) * sizeof(*values)) == 0;
}

tr_code tr_window_state_read(struct tr_window_op *w, const struct tr_state_record *record, struct tr_window_rows *rows,
			     struct tr_status *st)
{
	const bool is_entries = record->kind == TR_WINDOW_STATE_ENTRIES;
	const uint32_t at = w->plan->key_count + (is_entries ? w->layout.partial_count : 0);
	const struct tr_batch *batch;

	TR_TRY(read_rows(w, record, &batch, st));
	keep_own(w, batch, rows);
	rows->starts = batch->columns[at].data;
	rows->ends = batch->columns[at + 1].data;
	rows->slices = batch->columns[at + 3].data;
	if (w->has_slices && !is_one_value(rows->slices, batch->row_count))
		TR_FAIL(st, TR_ERR_DATA, "%s: a state record has entries of several slices", w->op.ops->name);
	if (w->has_slices &&
	    (!is_one_value(rows->starts, batch->row_count) || !is_one_value(rows->ends, batch->row_count)))
		TR_FAIL(st, TR_ERR_DATA, "%s: a state record has entries of several windows", w->op.ops->name);
	for (uint32_t i = 0; !w->has_slices && i < batch->row_count; i++)
		if (!is_window(&w->clock, rows->starts[i], rows->ends[i]))
			TR_FAIL(st, TR_ERR_DATA, "%s: a state record has a window that there can't be: %lld to %lld",
				w->op.ops->name, (long long)rows->starts[i], (long long)rows->ends[i]);
	if (!is_entries)
		return TR_OK;
	rows->counts = batch->columns[at + 2].data;
	return tr_agg_layout_check(&w->layout, batch->columns + w->plan->key_count, &batch->columns[at + 2], rows->rows,
				   rows->count, st);
}

tr_code tr_window_state_read_sessions(struct tr_window_op *w, const struct tr_state_record *record,
				      struct tr_window_rows *rows, struct tr_status *st)
{
	const struct tr_batch *batch;
	uint32_t at;

	TR_TRY(read_rows(w, record, &batch, st));
	keep_own(w, batch, rows);
	if (record->kind == TR_WINDOW_STATE_GONE)
		return TR_OK;
	at = batch->schema->column_count - TR_WINDOW_STATE_ENTRY_COLUMNS;
	rows->starts = batch->columns[at].data;
	rows->ends = batch->columns[at + 1].data;
	rows->counts = batch->columns[at + 2].data;
	rows->slices = batch->columns[at + 3].data;
	for (uint32_t i = 0; i < batch->row_count; i++)
		if (!is_window(&w->clock, rows->starts[i], rows->ends[i]))
			TR_FAIL(st, TR_ERR_DATA, "%s: a state record has a window that there can't be: %lld to %lld",
				w->op.ops->name, (long long)rows->starts[i], (long long)rows->ends[i]);
	return tr_agg_layout_check(&w->layout, batch->columns + w->plan->key_count, &batch->columns[at + 2], rows->rows,
				   rows->count, st);
}

void tr_window_state_map_keys(struct tr_window_op *w, const struct tr_window_rows *rows)
{
	tr_window_op_reserve(w, rows->count);
	for (uint32_t k = 0; k < w->plan->key_count; k++)
		w->key_columns[k] = &rows->batch->columns[k];
	tr_key_table_map(w->keys, w->key_columns, rows->rows, rows->count, w->slots);
}

void tr_window_state_fill_new(struct tr_window_op *w, const struct tr_window_rows *rows, char *const *entries)
{
	for (uint32_t i = 0; i < rows->count; i++)
		*tr_agg_entry_rows(entries[i]) = rows->counts[tr_agg_row(rows->rows, i)];
	tr_agg_layout_read(&w->layout, entries, rows->batch->columns + w->plan->key_count, rows->rows, rows->count);
}

uint32_t tr_window_state_fill(struct tr_window_op *w, const struct tr_window_rows *rows, char *const *entries,
			      uint32_t *touched)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rows->count; i++) {
		char *entry = entries[i];
		int64_t *held = tr_agg_entry_rows(entry);

		touched[n] = i;
		if (*held == 0) {
			n++;
		} else {
			tr_agg_layout_release(&w->layout, &entry, 1);
			memset(entry, 0, w->layout.bytes);
		}
		*held = rows->counts[tr_agg_row(rows->rows, i)];
	}
	tr_agg_layout_read(&w->layout, entries, rows->batch->columns + w->plan->key_count, rows->rows, rows->count);
	return n;
}

tr_code tr_window_state_fill_values(struct tr_window_op *w, uint16_t kind, const struct tr_window_rows *rows,
				    char *const *entries, struct tr_status *st)
{
	const struct tr_agg_part *part = &w->layout.parts[kind - TR_WINDOW_STATE_VALUES];
	const struct tr_column *column = &rows->batch->columns[w->plan->key_count + 2];
	const enum tr_phys phys = (enum tr_phys)column->type->phys;

	for (uint32_t i = 0; i < rows->count; i++) {
		const uint32_t row = tr_agg_row(rows->rows, i);

		if (*tr_agg_entry_rows(entries[i]) == 0)
			continue;
		if (tr_column_is_null(column, row))
			TR_FAIL(st, TR_ERR_DATA, "%s: a state record has a value that is NULL", w->op.ops->name);
		(void)tr_agg_entry_see(part, entries[i], phys, (const char *)column->data + row * tr_phys_bytes(phys));
	}
	return TR_OK;
}

/** Leaves out the rows that had been taken when the stream's newest checkpoint began. */
static void keep_waiting(struct tr_window_state *state, struct tr_window_rows *rows)
{
	uint32_t kept = 0;

	reserve_rows(state, rows->count);
	for (uint32_t i = 0; i < rows->count; i++) {
		const uint32_t row = tr_agg_row(rows->rows, i);

		if (rows->starts[row] >= state->stream_watermark_ms && state->stream_watermark_ms != TR_WATERMARK_MAX)
			state->rows[kept++] = row;
	}
	rows->rows = state->rows;
	rows->count = kept;
}

/** `given` has the columns of a record. */
static void show_waiting(struct tr_window_op *w, const struct tr_batch *given, const struct tr_window_rows *rows,
			 struct tr_batch *batch)
{
	struct tr_window_state *state = &w->state;

	for (uint32_t c = 0; c + 1 < given->schema->column_count; c++)
		state->columns[state->order[c]] = given->columns[c];
	*batch = (struct tr_batch){
		.schema = w->plan->input,
		.row_count = given->row_count,
		.selection = rows->rows,
		.selected_count = rows->count,
		.columns = state->columns,
		.watermark_ms = w->watermark_ms,
	};
}

tr_code tr_window_state_read_waiting(struct tr_window_op *w, const struct tr_state_record *record,
				     struct tr_window_rows *rows, struct tr_batch *batch, struct tr_status *st)
{
	const struct tr_batch *given;

	TR_TRY(read_rows(w, record, &given, st));
	keep_own(w, given, rows);
	rows->starts = given->columns[given->schema->column_count - 1].data;
	keep_waiting(&w->state, rows);
	show_waiting(w, given, rows, batch);
	return TR_OK;
}

tr_code tr_window_state_read_own_waiting(struct tr_window_op *w, const struct tr_state_record *record,
					 struct tr_window_rows *rows, struct tr_batch *batch, struct tr_status *st)
{
	const struct tr_batch *given;

	TR_TRY(read_rows(w, record, &given, st));
	*rows = (struct tr_window_rows){.batch = given,
					.count = given->row_count,
					.starts = given->columns[given->schema->column_count - 1].data};
	show_waiting(w, given, rows, batch);
	return TR_OK;
}
