/* SPDX-License-Identifier: Apache-2.0
 *
 * The first of two phases: rows become partials per (key, slice, first window), before the exchange.
 *
 *     rows ──▶ targets ──▶ slots ──▶ entries of a table that stays in cache ──▶ partials ──▶ exchange
 *
 *     partial   keys.. | accumulators.. | slice start | end of the first window it enters | number of rows
 *
 * Lateness is decided here, row by row against the row's own run: GLOBAL could not, for it sees sums. So a late row is
 * counted here and is in no partial; a row that is late for some windows of its slice is in a partial of its own.
 *
 * Partials of a slice are kept in one of two forms: with one key of at most 8 bytes in a table of keys and entries side
 * by side (state/group_table.h, one cache miss a row), else by the key's slot (state/key_table.h, state/slice.h).
 *
 * They leave before a watermark that fires a window their slice belongs to; when the input is idle or ends; before a
 * barrier, so that the operator has no state; and when there is no room. An operator that merely waits keeps them: no window
 * fires without one of the former, so nobody could use them sooner.
 *
 * There is room for ENTRIES_FIRST entries at first, and as long as the data are worth it for twice as many again, up to
 * ENTRIES_BYTES: a table larger than the second-level cache still costs less than a partial per row does. "Worth it": if
 * keys are uniform, the rows that have found an entry so far tell how many keys there are, and whether the largest table
 * would send off at most half as many partials as rows. If it would not, the operator steps aside: BYPASS_FACTOR times as
 * many rows as there was room for become partials by themselves, then it tries again, each time with twice the room, since
 * keys that come in turn do not repeat before all have come. What GLOBAL computes does not depend on any of this.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "core/ops/window_assign.h"
#include "core/ops/window_output.h"
#include "state/group_table.h"
#include "state/key_integer.h"

#define ENTRIES_MIN 8192 /* however large they are */
#define ENTRIES_FIRST 32768
#define ENTRIES_BYTES ((size_t)4 << 20) /* keys and entries, without the places that are free */
#define BYPASS_FACTOR 64
#define SPARE_MAX 4
#define GROUPS_ENTRIES 64 /* for how many an empty table of groups counts, so that many slices fill the room, too */

enum after { AFTER_NOTHING, AFTER_WATERMARK, AFTER_STATUS, AFTER_BARRIER, AFTER_END };

/** What is kept for one target: a slice and the first window that its rows enter. */
struct portion {
	int64_t start;
	int64_t first_end;
	struct tr_slice slice;        /* unless has_groups */
	struct tr_group_table groups; /* has_groups */
};

struct local_op {
	struct tr_window_op w;
	struct tr_window_assign assign;
	bool has_groups; /* one key of at most 8 bytes */
	struct portion *live;
	uint32_t live_count;
	uint32_t live_capacity;
	struct tr_group_table spare[SPARE_MAX]; /* emptied; their keys are likely to come again */
	uint32_t spare_count;
	int64_t *key_values; /* scratch, by row: has_groups */
	uint32_t key_capacity;
	uint32_t entry_limit; /* there is room for */
	uint64_t rows_kept;   /* rows that the entries stand for */
	uint32_t trial_limit; /* for the next try, should this one fail */
	uint64_t bypass_left; /* rows */
	bool is_flushing;
	bool is_full;           /* it flushes for want of room: keys go, too */
	int64_t flush_until_ms; /* slices whose first window fires at this watermark; INT64_MAX: all */
	int64_t flush_before;   /* of them, those that start before */
	uint32_t flush_portion;
	uint32_t cursor;
	uint64_t group_cursor;
	uint32_t flushed; /* entries of the portion in hand */
	enum after after; /* what to pass on when the flush is done */
	bool after_is_idle;
	uint64_t after_checkpoint;
	const struct tr_batch *bypass; /* a batch that is being passed through, at its target and row */
	uint32_t bypass_target;
	uint32_t bypass_row;
	char *bypass_entries; /* batch_rows of them */
};

static void reserve(struct local_op *l, uint32_t count)
{
	tr_window_op_reserve(&l->w, count);
	if (!l->has_groups || count <= l->key_capacity)
		return;
	l->key_capacity = count;
	l->key_values = realloc(l->key_values, count * sizeof(*l->key_values));
	TR_ASSERT(l->key_values != NULL);
}

/* -- partials -- */

static enum tr_phys key_phys(const struct local_op *l)
{
	return (enum tr_phys)l->w.plan->input->types[l->w.plan->keys[0]]->phys;
}

/** The columns after the keys. */
static void write_rest(struct local_op *l, char *const *entries, uint32_t count, int64_t start, int64_t first_end)
{
	struct tr_window_op *w = &l->w;
	struct tr_column_buffer *columns = w->out->columns + w->plan->key_count;

	tr_agg_layout_write(&w->layout, entries, count, columns, 0, &w->out->heap);
	columns += w->layout.partial_count;
	for (uint32_t i = 0; i < count; i++) {
		((int64_t *)columns[0].data)[i] = start;
		((int64_t *)columns[1].data)[i] = first_end;
		((int64_t *)columns[2].data)[i] = *tr_agg_entry_rows(entries[i]);
	}
	tr_batch_buffer_seal(w->out, count);
	w->out->batch.watermark_ms = w->forwarded_ms;
}

/** The next entries of a portion, with their slots unless has_groups. Begins with cursors of 0. */
static uint32_t scan(struct local_op *l, const struct portion *portion, uint32_t *cursor, uint64_t *group_cursor)
{
	struct tr_window_op *w = &l->w;

	if (l->has_groups)
		return tr_group_table_scan(&portion->groups, group_cursor, w->out->capacity, w->entries);
	return tr_slice_scan(&w->pool, &portion->slice, cursor, w->out->capacity, w->slots, w->entries);
}

/** Gives back what a portion holds, in `used` entries. A table of groups is kept for another portion unless `with_keys`. */
static void empty_portion(struct local_op *l, struct portion *portion, uint32_t used, bool with_keys)
{
	uint64_t group_cursor = 0;
	uint32_t cursor = 0, n;

	while (l->w.layout.owns_memory && (n = scan(l, portion, &cursor, &group_cursor)) > 0)
		tr_agg_layout_release(&l->w.layout, l->w.entries, n);
	if (!l->has_groups)
		tr_slice_deinit(&l->w.pool, &portion->slice);
	else if (!with_keys && l->spare_count < SPARE_MAX && tr_group_table_reset(&portion->groups, used))
		l->spare[l->spare_count++] = portion->groups;
	else
		tr_group_table_deinit(&portion->groups);
}

static bool is_due(struct local_op *l, const struct portion *portion)
{
	if (portion->start >= l->flush_before)
		return false;
	return l->flush_until_ms == INT64_MAX || tr_window_timer(&l->w.clock, portion->first_end) <= l->flush_until_ms;
}

static void write_keys(struct local_op *l, const struct portion *portion, uint32_t count)
{
	struct tr_window_op *w = &l->w;

	if (!l->has_groups) {
		tr_key_table_gather(w->keys, w->slots, count, w->out->columns, 0, &w->out->heap);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		l->key_values[i] = tr_group_table_key(w->entries[i]);
	tr_key_integer_store(key_phys(l), l->key_values, count, &w->out->columns[0], 0);
	if (w->entries[count - 1] == tr_group_table_null_entry(&portion->groups)) { /* it comes last */
		tr_bit_clear(w->out->columns[0].validity, count - 1);
		w->out->columns[0].has_nulls = true;
	}
}

/** Sends out the portions that are due. */
static enum tr_flow flush_step(struct local_op *l)
{
	struct tr_window_op *w = &l->w;

	while (l->flush_portion < l->live_count) {
		struct portion *portion = &l->live[l->flush_portion];
		enum tr_flow flow;
		uint32_t n;

		if (!is_due(l, portion)) {
			l->flush_portion++;
			continue;
		}
		n = scan(l, portion, &l->cursor, &l->group_cursor);
		if (n == 0) {
			empty_portion(l, portion, l->flushed, l->is_full);
			l->live[l->flush_portion] = l->live[--l->live_count];
			l->cursor = l->flushed = 0;
			l->group_cursor = 0;
			continue;
		}
		l->flushed += n;
		for (uint32_t i = 0; i < n; i++)
			l->rows_kept -= (uint64_t)*tr_agg_entry_rows(w->entries[i]);
		tr_batch_buffer_clear(w->out);
		write_keys(l, portion, n);
		write_rest(l, w->entries, n, portion->start, portion->first_end);
		flow = tr_window_op_emit(w);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	l->is_flushing = l->is_full = false;
	if (l->live_count == 0) {
		tr_key_table_clear(w->keys);
		TR_DASSERT(l->rows_kept == 0);
	}
	return TR_FLOW_MORE;
}

static void flush_begin(struct local_op *l, int64_t until_ms)
{
	l->is_flushing = true;
	l->flush_until_ms = until_ms;
	l->flush_before = INT64_MAX;
	l->flush_portion = l->flushed = l->cursor = 0;
	l->group_cursor = 0;
}

/** Rows as partials of their own: one entry a row, without the table. */
static enum tr_flow bypass_step(struct local_op *l)
{
	struct tr_window_op *w = &l->w;
	const struct tr_batch *batch = l->bypass;
	const struct tr_window_assign *assign = &l->assign;

	for (; l->bypass_target < assign->target_count; l->bypass_target++, l->bypass_row = 0) {
		const struct tr_window_target *target = &assign->targets[l->bypass_target];

		while (l->bypass_row < target->count) {
			const uint32_t first = target->first + l->bypass_row;
			const uint32_t n = TR_MIN(target->count - l->bypass_row, w->out->capacity);
			enum tr_flow flow;

			memset(l->bypass_entries, 0, (size_t)n * w->layout.stride);
			for (uint32_t i = 0; i < n; i++) {
				w->entries[i] = l->bypass_entries + (size_t)i * w->layout.stride;
				*tr_agg_entry_rows(w->entries[i]) = 1;
				w->touched[i] = tr_agg_row(assign->rows, first + i);
			}
			tr_agg_layout_update(&w->layout, batch, w->entries, w->touched, n);
			tr_batch_buffer_clear(w->out);
			for (uint32_t k = 0; k < w->plan->key_count; k++)
				tr_column_buffer_gather(&w->out->columns[k], 0, &batch->columns[w->plan->keys[k]],
							w->touched, n, &w->out->heap);
			write_rest(l, w->entries, n, target->start, target->first_end);
			tr_agg_layout_release(&w->layout, w->entries, n);
			l->bypass_row += n;
			flow = tr_window_op_emit(w);
			if (flow != TR_FLOW_MORE)
				return flow;
		}
	}
	l->bypass = NULL;
	return TR_FLOW_MORE;
}

/** Goes on with whatever is under way; what was to be passed on comes last. */
static enum tr_flow advance(struct local_op *l)
{
	struct tr_window_op *w = &l->w;
	const enum after after = l->after;
	enum tr_flow flow = TR_FLOW_MORE;

	if (l->bypass != NULL)
		flow = bypass_step(l);
	if (flow == TR_FLOW_MORE && l->is_flushing)
		flow = flush_step(l);
	if (flow != TR_FLOW_MORE)
		return flow;
	l->after = AFTER_NOTHING;
	switch (after) {
	case AFTER_NOTHING: return TR_FLOW_MORE;
	case AFTER_WATERMARK:
		w->forwarded_ms = w->op.metrics.watermark_ms = w->watermark_ms;
		return tr_op_emit_watermark(&w->op, w->watermark_ms);
	case AFTER_STATUS: return tr_op_emit_status(&w->op, l->after_is_idle);
	case AFTER_BARRIER: return tr_op_emit_barrier(&w->op, l->after_checkpoint);
	case AFTER_END: return tr_op_emit_end(&w->op);
	}
	TR_UNREACHABLE();
}

/* -- rows -- */

static struct portion *live_get(struct local_op *l, int64_t start, int64_t first_end)
{
	struct portion *portion;

	for (uint32_t i = 0; i < l->live_count; i++)
		if (l->live[i].start == start && l->live[i].first_end == first_end)
			return &l->live[i];
	if (l->live_count == l->live_capacity) {
		l->live_capacity = l->live_capacity == 0 ? 8 : l->live_capacity * 2;
		l->live = realloc(l->live, l->live_capacity * sizeof(*l->live));
		TR_ASSERT(l->live != NULL);
	}
	portion = &l->live[l->live_count];
	portion->start = start;
	portion->first_end = first_end;
	if (!l->has_groups) /* sparse beside others, so that many slices stay small */
		tr_slice_init(&portion->slice, l->live_count < 2);
	else if (l->spare_count > 0)
		portion->groups = l->spare[--l->spare_count];
	else /* the second of two is likely to become as large as the first */
		tr_group_table_init(&portion->groups, l->w.layout.bytes,
				    l->live_count == 1 ? l->live[0].groups.occupied : 0);
	l->live_count++;
	return portion;
}

/** The keys of the rows: the column as it is, or in l->key_values. Those of NULLs become 0. */
static const int64_t *load_keys(struct local_op *l, const struct tr_column *column, const uint32_t *rows, uint32_t count)
{
	if (column->is_constant) {
		tr_key_integer_load(key_phys(l), column, NULL, 1, l->key_values);
		for (uint32_t i = 1; i < count; i++)
			l->key_values[i] = l->key_values[0];
	} else if (rows == NULL && key_phys(l) == TR_PHYS_I64 && column->validity == NULL) {
		return column->data;
	} else {
		tr_key_integer_load(key_phys(l), column, rows, count, l->key_values);
	}
	for (uint32_t i = 0; column->validity != NULL && i < count; i++)
		if (tr_column_is_null(column, tr_agg_row(rows, i)))
			l->key_values[i] = 0;
	return l->key_values;
}

static void take_groups(struct local_op *l, const struct tr_batch *batch)
{
	struct tr_window_op *w = &l->w;
	const struct tr_window_assign *assign = &l->assign;
	const struct tr_column *column = &batch->columns[w->plan->keys[0]];
	const int64_t *keys = load_keys(l, column, assign->rows, assign->count);

	for (uint32_t t = 0; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		struct tr_group_table *groups = &live_get(l, target->start, target->first_end)->groups;

		tr_group_table_find(groups, keys + target->first, target->count, w->entries + target->first, w->touched);
		for (uint32_t i = target->first; column->validity != NULL && i < target->first + target->count; i++)
			if (tr_column_is_null(column, tr_agg_row(assign->rows, i)))
				w->entries[i] = tr_group_table_null_entry(groups);
	}
	tr_agg_layout_add(&w->layout, batch, w->entries, assign->rows, assign->count);
}

static void take_slots(struct local_op *l, const struct tr_batch *batch)
{
	struct tr_window_op *w = &l->w;
	const struct tr_window_assign *assign = &l->assign;

	tr_window_op_map_keys(w, batch, assign->rows, assign->count);
	for (uint32_t t = 0; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		struct tr_slice *slice = &live_get(l, target->start, target->first_end)->slice;
		uint32_t n;

		tr_slice_resolve(&w->pool, slice, w->slots + target->first, target->count, w->entries + target->first);
		n = tr_agg_layout_count(w->entries + target->first, target->count, w->touched);
		for (uint32_t i = 0; i < n; i++)
			w->touched_slots[i] = w->slots[target->first + w->touched[i]];
		tr_slice_touch(slice, w->touched_slots, n);
	}
	tr_agg_layout_update(&w->layout, batch, w->entries, assign->rows, assign->count);
}

/* -- room -- */

static uint32_t entries_max(const struct local_op *l)
{
	return (uint32_t)TR_MAX(ENTRIES_BYTES / (l->w.layout.stride + sizeof(int64_t)), (size_t)ENTRIES_MIN);
}

static uint32_t entries_first(const struct local_op *l) { return TR_MIN(ENTRIES_FIRST, entries_max(l)); }

/** Entries of a portion that take room, whether or not rows have come for all of them. */
static uint32_t entries_of(const struct local_op *l, const struct portion *portion)
{
	return l->has_groups ? portion->groups.occupied + GROUPS_ENTRIES : portion->slice.count;
}

static uint32_t occupied(const struct local_op *l)
{
	uint32_t entries = 0;

	for (uint32_t i = 0; i < l->live_count; i++)
		entries += entries_of(l, &l->live[i]);
	return l->has_groups ? entries : TR_MAX(entries, tr_key_table_count(l->w.keys));
}

/** The start of the latest slice, and how many entries all others have. */
static int64_t latest_start(const struct local_op *l, uint32_t *others)
{
	int64_t latest = INT64_MIN;

	*others = 0;
	for (uint32_t i = 0; i < l->live_count; i++)
		latest = TR_MAX(latest, l->live[i].start);
	for (uint32_t i = 0; i < l->live_count; i++)
		*others += l->live[i].start < latest ? entries_of(l, &l->live[i]) : 0;
	return latest;
}

/** Entries that stand for rows. */
static uint32_t used(struct local_op *l)
{
	uint32_t entries = 0;

	for (uint32_t i = 0; i < l->live_count; i++) {
		uint64_t group_cursor = 0;
		uint32_t n;

		if (!l->has_groups)
			entries += l->live[i].slice.count;
		while (l->has_groups && (n = scan(l, &l->live[i], NULL, &group_cursor)) > 0)
			entries += n;
	}
	return entries;
}

/** No entry has room: there shall be more, or some are sent off, or the operator steps aside. */
static enum tr_flow on_full(struct local_op *l)
{
	const uint32_t limit = entries_max(l);
	const uint64_t entries = used(l), repeated = l->rows_kept - entries;
	uint32_t others;
	const int64_t latest = latest_start(l, &others);

	/* Of uniform keys, twice as many rows as entries are reached when 4/5 of them have come. Until then about
	 * n^2 / 2k of n rows meet a key again if there are k keys. */
	const bool is_worth =
		l->entry_limit < limit ? repeated * limit * 5 / 2 >= entries * entries : repeated >= entries;

	if (is_worth && l->entry_limit < limit) {
		l->entry_limit = TR_MIN(l->entry_limit * 2, limit);
		l->trial_limit = entries_first(l);
		return TR_FLOW_MORE;
	}
	flush_begin(l, INT64_MAX);
	if (is_worth && others >= limit / 4) {
		l->flush_before = latest; /* the others wait for the watermark; few rows will still come for them */
		return advance(l);
	}
	l->is_full = true;
	if (!is_worth) {
		l->bypass_left = (uint64_t)l->entry_limit * BYPASS_FACTOR;
		l->entry_limit = l->trial_limit;
		l->trial_limit = TR_MIN(l->trial_limit * 2, limit);
	}
	return advance(l);
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct local_op *l = (struct local_op *)op;

	TR_ASSERT(!l->is_flushing && l->bypass == NULL);
	if (tr_window_op_check(&l->w, &op->context->status) != TR_OK ||
	    tr_window_assign_rows(&l->assign, batch, l->w.watermark_ms, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	if (l->assign.has_exceptions)
		tr_window_assign_group(&l->assign, batch);
	op->metrics.rows_late += l->assign.late_count;
	if (l->assign.count == 0)
		return TR_FLOW_MORE;
	reserve(l, l->assign.count);
	if (l->bypass_left > 0) {
		l->bypass_left -= TR_MIN(l->bypass_left, l->assign.count);
		l->bypass = batch;
		l->bypass_target = l->bypass_row = 0;
		return advance(l);
	}
	if (l->has_groups)
		take_groups(l, batch);
	else
		take_slots(l, batch);
	l->rows_kept += l->assign.count;
	return occupied(l) < l->entry_limit ? TR_FLOW_MORE : on_full(l);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct local_op *l = (struct local_op *)op;

	if (watermark_ms <= l->w.watermark_ms)
		return TR_FLOW_MORE;
	l->w.watermark_ms = watermark_ms;
	flush_begin(l, watermark_ms);
	l->after = AFTER_WATERMARK;
	return advance(l);
}

static enum tr_flow on_status(struct tr_op *op, uint32_t input, bool is_idle)
{
	struct local_op *l = (struct local_op *)op;

	/* Nobody waits for an idle input: what it has given must be on its way. */
	if (is_idle)
		flush_begin(l, INT64_MAX);
	l->after = AFTER_STATUS;
	l->after_is_idle = is_idle;
	return advance(l);
}

static enum tr_flow on_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	struct local_op *l = (struct local_op *)op;

	if (TR_BUG("local-keeps-partials"))
		return tr_op_emit_barrier(op, checkpoint);
	flush_begin(l, INT64_MAX);
	l->after = AFTER_BARRIER;
	l->after_checkpoint = checkpoint;
	return advance(l);
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct local_op *l = (struct local_op *)op;

	flush_begin(l, INT64_MAX);
	l->after = AFTER_END;
	return advance(l);
}

static enum tr_flow resume(struct tr_op *op) { return advance((struct local_op *)op); }

static void destroy(struct tr_op *op)
{
	struct local_op *l = (struct local_op *)op;

	for (uint32_t i = 0; i < l->live_count; i++)
		empty_portion(l, &l->live[i], 0, true);
	for (uint32_t i = 0; i < l->spare_count; i++)
		tr_group_table_deinit(&l->spare[i]);
	tr_window_assign_deinit(&l->assign);
	tr_window_op_deinit(&l->w);
	free(l->live);
	free(l->key_values);
	free(l->bypass_entries);
	free(l);
}

static const struct tr_op_ops ops = {
	.name = "local window aggregate",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_status = on_status,
	.on_barrier = on_barrier,
	.on_end = on_end,
	.resume = resume,
	.destroy = destroy,
};

tr_code tr_op_window_local_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				  struct tr_status *st)
{
	struct local_op *l = calloc(1, sizeof(*l));
	tr_code code;

	TR_ASSERT(l != NULL);
	*op = NULL;
	code = tr_window_op_init(&l->w, &ops, plan, context, st);
	if (code == TR_OK && (!l->w.layout.is_mergeable || plan->window.is_processing_time))
		code = tr_status_set(st, TR_ERR_INTERNAL, 0, TR_WHERE, "window: this can't run in two phases");
	tr_window_assign_init(&l->assign, &l->w.clock);
	if (code != TR_OK) {
		destroy(&l->w.op);
		return code;
	}
	l->has_groups = tr_window_has_small_key(plan);
	l->entry_limit = entries_first(l);
	l->trial_limit = TR_MIN(l->entry_limit * 2, entries_max(l));
	reserve(l, l->w.capacity);
	l->bypass_entries = calloc(l->w.out->capacity, l->w.layout.stride);
	TR_ASSERT(l->bypass_entries != NULL);
	*op = &l->w.op;
	return TR_OK;
}
