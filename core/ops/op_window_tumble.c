/* SPDX-License-Identifier: Apache-2.0
 *
 * TUMBLE over event time by one key of at most 8 bytes, of rows or of partials (GLOBAL): each window that is open has a
 * table of its own, which holds keys and accumulators side by side (state/group_table.h). A row costs one cache miss, where
 * the general way by slots and slices (op_window_slice.c) costs two; nothing is shared between windows, so nothing must be
 * counted or given back by key.
 *
 *     batch ──▶ targets (core/ops/window_assign.h) ──▶ entries, found in the target's table ──▶ kernels
 *
 * A row that is late is late for its only window, so every target is a window. When nearly all rows belong to one window,
 * all are looked up there, and the exceptions then get entries of their own: another window's, or, when late, one
 * that nobody reads. A key that only exceptions have leaves an empty entry behind, which counts as absent.
 *
 * Tables of windows that are out are kept, keys included, for windows to come; large ones are given back, and the next
 * begins with the size that the last needed.
 *
 * With checkpoints each table has marks by the number of the place (core/ops/window_save.h); before a table grows, what is
 * pending is written, and after it all entries count as changed. What is saved comes in the order of the places, and is
 * loaded into tables of the same order, so that loading goes through memory once, from one end to the other.
 *
 * Partials of a LOCAL operator come in the usual order of a table: those of GLOBAL have the other one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/window_assign.h"
#include "core/ops/window_output.h"
#include "state/group_table.h"
#include "state/key_integer.h"

#define PIECE 512
#define ORDER_USUAL 0 /* the operator's mark: */
#define ORDER_OTHER 1
#define EXPECTING_MAX 4 /* with more windows open than this, new tables begin small */

struct pane {
	int64_t start;
	int64_t id;
	struct tr_group_table table;
	struct tr_marks marks; /* by the number of the place; only with checkpoints */
};

/** What was loaded of a window beside its first slice: an operator whose memory is limited saves it in several, all of which
 * count. */
struct part {
	uint32_t stream;
	int64_t id, start;
	struct tr_group_table table;
};

struct tumble_op {
	struct tr_window_op w;
	struct tr_window_assign assign;
	struct pane *panes; /* open windows, by start */
	uint32_t pane_count;
	uint32_t pane_capacity;
	struct tr_group_table *spare; /* room for pane_capacity */
	uint32_t spare_count;
	uint32_t expected;   /* keys of the last window */
	bool is_other_order; /* of the tables */
	bool has_loaded;
	struct part *parts; /* while loading */
	uint32_t part_count, part_capacity;
	bool is_firing;   /* panes[0] is going out */
	bool has_pending; /* a watermark is to be passed on when all that it fires is out */
	uint64_t cursor;
	uint32_t written; /* results of panes[0] */
	char *trash;      /* an entry for late rows */
	int64_t *keys;    /* scratch, by row */
	int64_t *other_keys;
	uint32_t key_capacity;
	int64_t *written_keys; /* scratch of their own, since images are written while rows are looked up */
	uint32_t written_capacity;
};

static enum tr_phys key_phys(const struct tumble_op *s)
{
	return (enum tr_phys)s->w.plan->input->types[tr_window_key_column(s->w.plan, 0)]->phys;
}

/** The window's, which is made for so many keys if it is not there yet. */
static struct pane *pane_expect(struct tumble_op *s, int64_t start, uint32_t expected)
{
	uint32_t low = 0, high = s->pane_count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (s->panes[middle].start < start)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < s->pane_count && s->panes[low].start == start)
		return &s->panes[low];
	if (s->pane_count == s->pane_capacity) {
		s->pane_capacity = s->pane_capacity == 0 ? 16 : s->pane_capacity * 2;
		s->panes = realloc(s->panes, s->pane_capacity * sizeof(*s->panes));
		s->spare = realloc(s->spare, s->pane_capacity * sizeof(*s->spare));
		TR_ASSERT(s->panes != NULL && s->spare != NULL);
	}
	memmove(s->panes + low + 1, s->panes + low, (s->pane_count - low) * sizeof(*s->panes));
	s->panes[low].start = start;
	s->panes[low].id = ++s->w.save.last_id;
	if (s->spare_count > 0) {
		s->panes[low].table = s->spare[--s->spare_count];
	} else {
		tr_group_table_init(&s->panes[low].table, s->w.layout.bytes, expected);
		tr_group_table_choose_order(&s->panes[low].table, s->is_other_order);
	}
	tr_marks_init(&s->panes[low].marks, &s->w.save.clock);
	if (s->w.save.is_on)
		tr_marks_reserve(&s->panes[low].marks, tr_group_table_number_limit(&s->panes[low].table));
	s->pane_count++;
	return &s->panes[low];
}

static struct pane *pane_get(struct tumble_op *s, int64_t start)
{
	return pane_expect(s, start, s->pane_count < EXPECTING_MAX ? s->expected : 0);
}

static void release_entries(struct tumble_op *s, struct tr_group_table *table)
{
	char *entries[PIECE];
	uint64_t cursor = 0;
	uint32_t n;

	while (s->w.layout.owns_memory && (n = tr_group_table_scan(table, &cursor, PIECE, entries)) > 0)
		tr_agg_layout_release(&s->w.layout, entries, n);
}

/* -- rows -- */

static void reserve_keys(struct tumble_op *s, uint32_t count)
{
	if (count <= s->key_capacity)
		return;
	s->key_capacity = count;
	s->keys = realloc(s->keys, count * sizeof(*s->keys));
	s->other_keys = realloc(s->other_keys, count * sizeof(*s->other_keys));
	TR_ASSERT(s->keys != NULL && s->other_keys != NULL);
}

/** The keys of entries to rows 0 .. of `target`, the last one NULL or not. */
static void write_keys(struct tumble_op *s, char *const *entries, uint32_t count, bool is_last_null,
		       struct tr_column_buffer *target)
{
	if (count > s->written_capacity) {
		s->written_capacity = count;
		s->written_keys = realloc(s->written_keys, count * sizeof(*s->written_keys));
		TR_ASSERT(s->written_keys != NULL);
	}
	for (uint32_t i = 0; i < count; i++)
		s->written_keys[i] = tr_group_table_key(entries[i]);
	tr_key_integer_store(key_phys(s), s->written_keys, count, target, 0);
	if (is_last_null) {
		tr_bit_clear(target->validity, count - 1);
		target->has_nulls = true;
	}
}

/** The keys of the rows: the column as it is, or in s->keys. Those of NULLs become 0. */
static const int64_t *load_keys(struct tumble_op *s, const struct tr_column *column, const uint32_t *rows,
				uint32_t count)
{
	reserve_keys(s, count);
	if (column->is_constant) {
		tr_key_integer_load(key_phys(s), column, NULL, 1, s->keys);
		for (uint32_t i = 1; i < count; i++)
			s->keys[i] = s->keys[0];
	} else if (rows == NULL && key_phys(s) == TR_PHYS_I64 && column->validity == NULL) {
		return column->data;
	} else {
		tr_key_integer_load(key_phys(s), column, rows, count, s->keys);
	}
	for (uint32_t i = 0; column->validity != NULL && i < count; i++)
		if (tr_column_is_null(column, tr_agg_row(rows, i)))
			s->keys[i] = 0;
	return s->keys;
}

/** A record of entries with their keys. */
static tr_code put_entries(struct tumble_op *s, struct tr_state_writer *writer,
			   const struct tr_window_save_slice *slice, char *const *entries, uint32_t count,
			   bool is_last_null, struct tr_status *st)
{
	struct tr_heap *heap;
	struct tr_column_buffer *columns = tr_window_state_image(&s->w, &heap);

	write_keys(s, entries, count, is_last_null, &columns[0]);
	return tr_window_state_put_entries(&s->w, writer, entries, count, &slice->start, &slice->first_end, true,
					   slice->id, st);
}

static tr_code put_images(struct tr_window_op *w, struct tr_state_writer *writer,
			  const struct tr_window_save_slice *slice, const uint32_t *slots, char *const *entries,
			  uint32_t count, struct tr_status *st)
{
	return put_entries((struct tumble_op *)w, writer, slice, entries, count, false, st);
}

static struct tr_window_save_slice slice_of(const struct tumble_op *s, const struct pane *pane)
{
	return (struct tr_window_save_slice){
		.id = pane->id, .start = pane->start, .first_end = pane->start + s->w.clock.slice_ms};
}

/** Writes up to a record of what is pending in a window. */
static tr_code put_pending(struct tumble_op *s, struct tr_state_writer *writer, struct pane *pane, struct tr_status *st)
{
	struct tr_window_save *save = &s->w.save;
	const struct tr_window_save_slice as = slice_of(s, pane);
	uint32_t n = tr_marks_take(&pane->marks, writer->age, tr_window_state_piece(&s->w), save->indexes);

	n = tr_group_table_at_numbers(&pane->table, save->indexes, n, save->pending);
	if (n == 0)
		return TR_OK;
	return put_entries(s, writer, &as, save->pending, n,
			   save->pending[n - 1] == tr_group_table_null_entry(&pane->table), st);
}

/** What is pending goes to the records that wait: before entries move or go. */
static void drain(struct tumble_op *s, struct pane *pane)
{
	while (!pane->marks.is_quiet) {
		const tr_code code = put_pending(s, &s->w.save.writer, pane, NULL);

		TR_ASSERT(code == TR_OK); /* memory takes all */
	}
}

/** Marks entries that are about to be written to; those that a snapshot has yet to write are copied. */
static void mark(struct tumble_op *s, struct pane *pane, char *const *entries, uint32_t count)
{
	struct tr_window_save *save = &s->w.save;
	const char *null_entry = tr_group_table_null_entry(&pane->table);
	const struct tr_window_save_slice as = slice_of(s, pane);
	uint32_t n;

	if (pane->marks.is_full)
		return;
	tr_window_save_reserve(save, count);
	tr_group_table_numbers(&pane->table, entries, count, save->indexes);
	n = tr_marks_mark(&pane->marks, save->indexes, count, pane->table.occupied, save->saves);
	for (uint32_t i = 0; i < n; i++) {
		char *entry = entries[save->saves[i]];

		if (*tr_agg_entry_rows(entry) == 0)
			continue;
		if (entry != null_entry) {
			tr_window_save_image(save, &s->w, &as, tr_group_table_key(entry), 0, entry);
		} else { /* no image says that its key is NULL */
			const tr_code code = put_entries(s, &save->writer, &as, &entry, 1, true, NULL);

			TR_ASSERT(code == TR_OK); /* memory takes all */
		}
	}
}

/** Finds the entries of keys in a window. */
static void look_up(struct tumble_op *s, struct pane *pane, const int64_t *keys, uint32_t count, char **entries)
{
	const uint32_t bits = pane->table.bits;

	if (TR_UNLIKELY(!pane->marks.is_quiet && tr_group_table_may_grow(&pane->table, count)))
		drain(s, pane);
	tr_group_table_find(&pane->table, keys, count, entries, s->w.touched);
	if (TR_UNLIKELY(pane->table.bits != bits && s->w.save.is_on))
		tr_marks_fill(&pane->marks, tr_group_table_number_limit(&pane->table));
}

/** entries[first .. first + count) become the entries of these rows in the window's table. */
static void find(struct tumble_op *s, int64_t start, const struct tr_column *column, const int64_t *keys,
		 const uint32_t *rows, uint32_t first, uint32_t count)
{
	struct pane *pane = pane_get(s, start);
	char **entries = s->w.entries;

	look_up(s, pane, keys + first, count, entries + first);
	for (uint32_t i = first; column->validity != NULL && i < first + count; i++)
		if (tr_column_is_null(column, tr_agg_row(rows, i)))
			entries[i] = tr_group_table_null_entry(&pane->table);
	if (s->w.save.is_on)
		mark(s, pane, entries + first, count);
}

/** Collects the keys of rows that belong to other windows, whose tables may have left the cache, and fetches their places.
 * After the main table has been searched, since that reads the keys from memory in order; here and there is slower. */
static void prefetch_exceptions(struct tumble_op *s, const int64_t *keys)
{
	const struct tr_window_assign *assign = &s->assign;

	for (uint32_t t = 1; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		int64_t *restrict others = s->other_keys + target->first;

		for (uint32_t i = 0; i < target->count; i++)
			others[i] = keys[assign->exceptions[target->first + i]];
		tr_group_table_prefetch(&pane_get(s, target->start)->table, others, target->count);
	}
}

/** Gives the exceptions the entries that are theirs. Without NULLs among the keys. */
static void find_exceptions(struct tumble_op *s)
{
	struct tr_window_op *w = &s->w;
	const struct tr_window_assign *assign = &s->assign;
	uint32_t late = 0;

	for (uint32_t t = 1; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		const uint32_t *positions = assign->exceptions + target->first;

		struct pane *pane = pane_get(s, target->start);

		look_up(s, pane, s->other_keys + target->first, target->count, w->sources);
		if (w->save.is_on)
			mark(s, pane, w->sources, target->count);
		for (uint32_t i = 0; i < target->count; i++)
			w->entries[positions[i]] = w->sources[i];
		late = target->first + target->count;
	}
	for (uint32_t i = late; i < assign->exception_count; i++)
		w->entries[assign->exceptions[i]] = s->trash;
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct tumble_op *s = (struct tumble_op *)op;
	struct tr_window_op *w = &s->w;
	struct tr_window_assign *assign = &s->assign;
	const struct tr_column *column = &batch->columns[w->plan->keys[0]];
	const int64_t *keys;

	if (tr_window_op_check(w, &op->context->status) != TR_OK ||
	    tr_window_assign_rows(assign, batch, w->watermark_ms, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	op->metrics.rows_late += assign->late_count;
	if (assign->count == 0)
		return TR_FLOW_MORE;
	if (assign->has_exceptions && column->validity != NULL)
		tr_window_assign_group(assign, batch);
	tr_window_op_reserve(w, assign->count);
	keys = load_keys(s, column, assign->rows, assign->count);
	if (assign->has_exceptions) {
		find(s, assign->targets[0].start, column, keys, assign->rows, 0, assign->count);
		prefetch_exceptions(s, keys);
		find_exceptions(s);
	} else {
		for (uint32_t t = 0; t < assign->target_count; t++) {
			const struct tr_window_target *target = &assign->targets[t];

			TR_DASSERT(target->first_end == target->start + w->clock.slice_ms);
			find(s, target->start, column, keys, assign->rows, target->first, target->count);
		}
	}
	tr_agg_layout_add(&w->layout, batch, w->entries, assign->rows, assign->count);
	if (assign->has_exceptions && assign->late_count > 0) {
		if (w->layout.owns_memory)
			tr_agg_layout_release(&w->layout, &s->trash, 1);
		memset(s->trash, 0, w->layout.stride);
	}
	return TR_FLOW_MORE;
}

/** Partials of a LOCAL operator: what is late was left out there, but for windows that have fired here since. */
static enum tr_flow on_partials(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct tumble_op *s = (struct tumble_op *)op;
	struct tr_window_op *w = &s->w;
	struct tr_window_assign *assign = &s->assign;
	const struct tr_column *column = &batch->columns[0];
	const uint32_t start_column = w->plan->key_count + w->layout.partial_count;
	const struct tr_column *counts = &batch->columns[start_column + 2];
	const int64_t *keys;

	tr_window_assign_partials(assign, batch, start_column, start_column + 1, start_column + 2, w->watermark_ms);
	op->metrics.rows_late += assign->late_count;
	if (assign->count == 0)
		return TR_FLOW_MORE;
	tr_window_op_reserve(w, assign->count);
	keys = load_keys(s, column, assign->rows, assign->count);
	for (uint32_t t = 0; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];

		TR_DASSERT(target->first_end == target->start + w->clock.slice_ms);
		find(s, target->start, column, keys, assign->rows, target->first, target->count);
	}
	for (uint32_t i = 0; i < assign->count; i++)
		*tr_agg_entry_rows(w->entries[i]) += tr_column_i64(counts, tr_agg_row(assign->rows, i));
	tr_agg_layout_read(&w->layout, w->entries, batch->columns + w->plan->key_count, assign->rows, assign->count);
	return TR_FLOW_MORE;
}

/* -- firing -- */

static void write_results(struct tumble_op *s, const struct pane *pane, char *const *entries, uint32_t count)
{
	struct tr_window_op *w = &s->w;

	tr_batch_buffer_clear(w->out);
	write_keys(s, entries, count, entries[count - 1] == tr_group_table_null_entry(&pane->table),
		   &w->out->columns[0]);
	tr_window_op_write_results(w, 0, entries, count, pane->start, pane->start + w->clock.slice_ms);
	tr_window_op_seal(w, count);
}

/** The first window is out: its table is kept for another one, or not. */
static void end_fire(struct tumble_op *s)
{
	struct tr_group_table *table = &s->panes[0].table;
	size_t bytes = 0;

	drain(s, &s->panes[0]);
	tr_marks_deinit(&s->panes[0].marks);
	s->is_firing = false;
	s->expected = s->written;
	release_entries(s, table);
	if (tr_group_table_reset(table, s->written))
		s->spare[s->spare_count++] = *table;
	else
		tr_group_table_deinit(table);
	s->pane_count--;
	memmove(s->panes, s->panes + 1, s->pane_count * sizeof(*s->panes));
	for (uint32_t i = 0; i < s->pane_count; i++)
		bytes += s->panes[i].table.bytes;
	for (uint32_t i = 0; i < s->spare_count; i++)
		bytes += s->spare[i].bytes;
	s->w.op.metrics.state_bytes = bytes;
}

/** Sends out all that the watermark fires, then the watermark. */
static enum tr_flow advance(struct tumble_op *s)
{
	struct tr_window_op *w = &s->w;

	for (;;) {
		while (s->is_firing) {
			const uint32_t n =
				tr_group_table_scan(&s->panes[0].table, &s->cursor, w->out->capacity, w->entries);
			enum tr_flow flow;

			if (n == 0) {
				end_fire(s);
				break;
			}
			s->written += n;
			write_results(s, &s->panes[0], w->entries, n);
			flow = tr_window_op_emit(w);
			if (flow != TR_FLOW_MORE)
				return flow;
		}
		if (s->pane_count == 0 ||
		    tr_window_timer(&w->clock, s->panes[0].start + w->clock.slice_ms) > w->watermark_ms)
			break;
		s->is_firing = true;
		s->cursor = s->written = 0;
	}
	if (!s->has_pending)
		return TR_FLOW_MORE;
	s->has_pending = false;
	w->forwarded_ms = w->op.metrics.watermark_ms = w->watermark_ms;
	return tr_op_emit_watermark(&w->op, w->watermark_ms);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct tumble_op *s = (struct tumble_op *)op;

	TR_ASSERT(!s->is_firing);
	if (watermark_ms <= s->w.watermark_ms)
		return TR_FLOW_MORE;
	s->w.watermark_ms = watermark_ms;
	s->has_pending = true;
	return advance(s);
}

static enum tr_flow resume(struct tr_op *op) { return advance((struct tumble_op *)op); }

/* -- saving and loading -- */

/** Without checkpoints no marks are kept, and all is written at once. */
static tr_code put_all(struct tumble_op *s, struct tr_state_writer *writer, const struct pane *pane,
		       struct tr_status *st)
{
	const struct tr_window_save_slice as = slice_of(s, pane);
	const char *null_entry = tr_group_table_null_entry(&pane->table);
	const uint32_t piece = tr_window_state_piece(&s->w);
	uint64_t cursor = 0;
	uint32_t n;

	tr_window_op_reserve(&s->w, piece);
	while ((n = tr_group_table_scan(&pane->table, &cursor, piece, s->w.entries)) > 0)
		TR_TRY(put_entries(s, writer, &as, s->w.entries, n, s->w.entries[n - 1] == null_entry, st));
	return TR_OK;
}

static tr_code snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			uint64_t *base, struct tr_status *st)
{
	struct tumble_op *s = (struct tumble_op *)op;
	struct tr_window_slice_state *list = calloc((size_t)s->pane_count + 1, sizeof(*list));
	tr_code code;

	TR_ASSERT(list != NULL && !s->is_firing && !s->has_pending);
	*base = tr_state_age(order->checkpoint);
	if (s->w.save.is_on)
		tr_window_save_flip(&s->w.save, &s->w, order);
	for (uint32_t i = 0; i < s->pane_count; i++) {
		struct pane *pane = &s->panes[i];
		uint64_t least = tr_state_age(order->checkpoint);

		if (s->w.save.is_on) {
			tr_marks_flip(&pane->marks);
			least = tr_marks_base(&pane->marks);
		}
		*base = TR_MIN(*base, least);
		list[i] = (struct tr_window_slice_state){.id = pane->id,
							 .start = pane->start,
							 .first_end = pane->start + s->w.clock.slice_ms,
							 .base = (int64_t)tr_state_age_checkpoint(least),
							 .entries = pane->table.occupied};
	}
	code = tr_window_state_put_mark(&s->w, writer, s->is_other_order ? ORDER_OTHER : ORDER_USUAL, st);
	if (code == TR_OK)
		code = tr_window_state_put_slices(&s->w, writer, list, s->pane_count, st);
	for (uint32_t i = 0; !s->w.save.is_on && code == TR_OK && i < s->pane_count; i++)
		code = put_all(s, writer, &s->panes[i], st);
	free(list);
	return code;
}

static enum tr_flow snapshot_step(struct tr_op *op, struct tr_state_writer *writer, size_t budget, struct tr_status *st)
{
	struct tumble_op *s = (struct tumble_op *)op;
	struct tr_window_save *save = &s->w.save;
	size_t left = budget;

	if (!save->is_writing)
		return TR_FLOW_DONE;
	if (tr_window_save_hand_on(save, &s->w, writer, &left, st) != TR_OK)
		return TR_FLOW_FAILED;
	for (uint32_t i = 0; left > 0 && i < s->pane_count; i++) {
		while (left > 0 && !s->panes[i].marks.is_quiet) {
			const size_t before = s->w.state.bytes_put;

			if (put_pending(s, writer, &s->panes[i], st) != TR_OK)
				return TR_FLOW_FAILED;
			left -= TR_MIN(left, s->w.state.bytes_put - before);
		}
	}
	tr_window_save_tell(save, &s->w, writer);
	if (left == 0)
		return TR_FLOW_MORE;
	save->is_writing = false;
	return TR_FLOW_DONE;
}

/** Whether a slice is the stream's first one of its window: its entries go where the window's belong. */
static bool is_first(const struct tumble_op *s, const struct tr_window_slice_state *as)
{
	const struct tr_window_slice_state *other = s->w.state.live;

	while (other->start != as->start)
		other++;
	return other == as;
}

static struct tr_group_table *part_get(struct tumble_op *s, const struct tr_window_slice_state *as, uint32_t expected)
{
	struct part *part;

	for (uint32_t i = s->part_count; i-- > 0;)
		if (s->parts[i].stream == s->w.state.stream && s->parts[i].id == as->id)
			return &s->parts[i].table;
	if (s->part_count == s->part_capacity) {
		s->part_capacity = TR_MAX(s->part_capacity * 2, 16u);
		s->parts = realloc(s->parts, s->part_capacity * sizeof(*s->parts));
		TR_ASSERT(s->parts != NULL);
	}
	part = &s->parts[s->part_count++];
	*part = (struct part){.stream = s->w.state.stream, .id = as->id, .start = as->start};
	tr_group_table_init(&part->table, s->w.layout.bytes, expected);
	tr_group_table_choose_order(&part->table, s->is_other_order);
	return &part->table;
}

/** Adds what a part has to its window. */
static void merge_part(struct tumble_op *s, struct part *part)
{
	struct pane *pane = pane_get(s, part->start);
	char *entries[PIECE], *targets[PIECE];
	int64_t keys[PIECE];
	uint64_t cursor = 0;
	uint32_t n;

	tr_window_op_reserve(&s->w, PIECE);
	while ((n = tr_group_table_scan(&part->table, &cursor, PIECE, entries)) > 0) {
		for (uint32_t i = 0; i < n; i++)
			keys[i] = tr_group_table_key(entries[i]);
		look_up(s, pane, keys, n, targets);
		if (entries[n - 1] == tr_group_table_null_entry(&part->table))
			targets[n - 1] = tr_group_table_null_entry(&pane->table);
		tr_agg_layout_merge(&s->w.layout, targets, entries, n);
	}
}

static void parts_release(struct tumble_op *s)
{
	for (uint32_t i = 0; i < s->part_count; i++) {
		release_entries(s, &s->parts[i].table);
		tr_group_table_deinit(&s->parts[i].table);
	}
	free(s->parts);
	s->parts = NULL;
	s->part_count = s->part_capacity = 0;
}

static tr_code load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		    struct tr_status *st)
{
	struct tumble_op *s = (struct tumble_op *)op;
	struct tr_window_op *w = &s->w;
	const struct tr_window_slice_state *as;
	const struct tr_column *column;
	struct tr_group_table *table;
	struct tr_window_rows rows;
	uint32_t occupied;
	bool is_taken;

	TR_TRY(tr_window_state_load(w, origin, record, &is_taken, st));
	if (is_taken)
		return TR_OK;
	TR_TRY(tr_window_state_read(w, record, &rows, st));
	if (rows.count == 0 || (as = tr_window_state_slice(w, rows.slices[0])) == NULL)
		return TR_OK;
	if (!s->has_loaded && w->plan->phase == TR_PHASE_SINGLE)
		s->is_other_order = w->state.mark == ORDER_OTHER;
	s->has_loaded = true;
	s->expected = tr_window_state_expected(w, as, record, rows.batch->row_count);
	table = is_first(s, as) ? &pane_expect(s, as->start, s->expected)->table : part_get(s, as, s->expected);
	tr_window_op_reserve(w, rows.count);
	column = &rows.batch->columns[0];
	occupied = table->occupied;
	tr_group_table_find_loaded(table, load_keys(s, column, rows.rows, rows.count), rows.count, w->entries);
	for (uint32_t i = 0; column->validity != NULL && i < rows.count; i++)
		if (tr_column_is_null(column, tr_agg_row(rows.rows, i)))
			w->entries[i] = tr_group_table_null_entry(table);
	if (table->occupied - occupied == rows.count) /* each is a new key's */
		tr_window_state_fill_new(w, &rows, w->entries);
	else
		(void)tr_window_state_fill(w, &rows, w->entries, w->touched);
	return TR_OK;
}

static tr_code load_end(struct tr_op *op, struct tr_status *st)
{
	struct tumble_op *s = (struct tumble_op *)op;

	(void)tr_window_state_loaded(&s->w, 0);
	for (uint32_t i = 0; i < s->part_count; i++)
		merge_part(s, &s->parts[i]);
	parts_release(s);
	for (uint32_t i = 0; s->w.save.is_on && i < s->pane_count; i++) /* all is due again */
		tr_marks_fill(&s->panes[i].marks, tr_group_table_number_limit(&s->panes[i].table));
	return TR_OK;
}

static uint64_t state_bytes(const struct tr_op *op)
{
	struct tumble_op *s = (struct tumble_op *)(uintptr_t)op;
	uint64_t count = 0;

	for (uint32_t i = 0; i < s->pane_count; i++)
		count += s->panes[i].table.occupied;
	return tr_window_state_bytes(&s->w, count);
}

static const struct tr_state_kind *kinds(const struct tr_op *op, uint32_t *count)
{
	return tr_window_state_kinds((struct tr_window_op *)(uintptr_t)op, count);
}

static void destroy(struct tr_op *op)
{
	struct tumble_op *s = (struct tumble_op *)op;

	for (uint32_t i = 0; i < s->pane_count; i++) {
		release_entries(s, &s->panes[i].table);
		tr_group_table_deinit(&s->panes[i].table);
		tr_marks_deinit(&s->panes[i].marks);
	}
	for (uint32_t i = 0; i < s->spare_count; i++)
		tr_group_table_deinit(&s->spare[i]);
	parts_release(s); /* loading has failed */
	tr_window_assign_deinit(&s->assign);
	tr_window_op_deinit(&s->w);
	free(s->panes);
	free(s->spare);
	free(s->trash);
	free(s->keys);
	free(s->written_keys);
	free(s->other_keys);
	free(s);
}

static const struct tr_op_ops rows_ops = {
	.name = "window aggregate",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.resume = resume,
	.snapshot = snapshot,
	.snapshot_step = snapshot_step,
	.load = load,
	.load_end = load_end,
	.state_bytes = state_bytes,
	.kinds = kinds,
	.destroy = destroy,
};

static const struct tr_op_ops partials_ops = {
	.name = "global window aggregate",
	.on_batch = on_partials,
	.on_watermark = on_watermark,
	.resume = resume,
	.snapshot = snapshot,
	.snapshot_step = snapshot_step,
	.load = load,
	.load_end = load_end,
	.state_bytes = state_bytes,
	.kinds = kinds,
	.destroy = destroy,
};

tr_code tr_op_window_tumble_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				   struct tr_status *st)
{
	struct tumble_op *s = calloc(1, sizeof(*s));
	tr_code code;

	TR_ASSERT(s != NULL);
	*op = NULL;
	code = tr_window_op_init(&s->w, plan->phase == TR_PHASE_GLOBAL ? &partials_ops : &rows_ops, plan, context, st);
	if (code == TR_OK && !s->w.layout.is_mergeable)
		code = tr_status_set(st, TR_ERR_INTERNAL, 0, TR_WHERE, "window: DISTINCT can't use slices");
	tr_window_assign_init(&s->assign, &s->w.clock);
	if (code != TR_OK) {
		destroy(&s->w.op);
		return code;
	}
	s->w.has_slices = true;
	s->is_other_order = plan->phase == TR_PHASE_GLOBAL;
	if (context->has_checkpoints)
		tr_window_save_init(&s->w.save, &s->w, put_images);
	s->trash = calloc(1, s->w.layout.stride);
	TR_ASSERT(s->trash != NULL);
	*op = &s->w.op;
	return TR_OK;
}
