/* SPDX-License-Identifier: Apache-2.0
 *
 * Assigning rows to slices; see the header. Targets of a batch are few: rows of the same slice find theirs by the
 * slice's number in the batch (by_slice) if the batch spans fewer than SPAN_MAX slices, else by hash.
 */
#include "core/ops/window_assign.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "core/ops/window_kernel.h"

#define SPAN_MAX 4096
#define FEW_TARGETS 16
#define FEW_SLICES 64
#define LATE UINT32_MAX

void tr_window_assign_init(struct tr_window_assign *assign, struct tr_window_clock *clock)
{
	memset(assign, 0, sizeof(*assign));
	assign->clock = clock;
	assign->by_slice = calloc(SPAN_MAX, sizeof(*assign->by_slice));
	TR_ASSERT(assign->by_slice != NULL);
}

void tr_window_assign_deinit(struct tr_window_assign *assign)
{
	free(assign->targets);
	free(assign->times);
	free(assign->ids);
	free(assign->grouped);
	free(assign->map);
	free(assign->by_slice);
	free(assign->exceptions);
	free(assign->exception_ids);
	memset(assign, 0, sizeof(*assign));
}

static void reserve(struct tr_window_assign *assign, uint32_t count)
{
	if (count <= assign->capacity)
		return;
	assign->capacity = count;
	assign->map_bits = 4;
	while (((uint64_t)1 << assign->map_bits) < 2 * (uint64_t)count)
		assign->map_bits++;
	free(assign->map);
	assign->map = calloc((size_t)1 << assign->map_bits, sizeof(*assign->map));
	assign->targets = realloc(assign->targets, count * sizeof(*assign->targets));
	assign->times = realloc(assign->times, count * sizeof(*assign->times));
	assign->ids = realloc(assign->ids, count * sizeof(*assign->ids));
	assign->grouped = realloc(assign->grouped, count * sizeof(*assign->grouped));
	assign->exceptions = realloc(assign->exceptions, ((size_t)count + 16) * sizeof(*assign->exceptions));
	assign->exception_ids = realloc(assign->exception_ids, count * sizeof(*assign->exception_ids));
	TR_ASSERT(assign->exceptions != NULL && assign->exception_ids != NULL);
	TR_ASSERT(assign->map != NULL && assign->targets != NULL && assign->times != NULL);
	TR_ASSERT(assign->ids != NULL && assign->grouped != NULL);
}

static void begin(struct tr_window_assign *assign, const struct tr_batch *batch)
{
	reserve(assign, batch->selected_count);
	assign->rows = batch->selection;
	assign->count = batch->selected_count;
	assign->late_count = 0;
	assign->target_count = 0;
	assign->has_exceptions = false;
	assign->exception_count = 0;
}

static uint32_t add_target(struct tr_window_assign *assign, int64_t start, int64_t first_end)
{
	const uint32_t id = assign->target_count++;

	assign->targets[id] = (struct tr_window_target){.start = start, .first_end = first_end};
	return id;
}

static uint32_t *map_place(struct tr_window_assign *assign, int64_t start, int64_t first_end)
{
	const uint32_t mask = ((uint32_t)1 << assign->map_bits) - 1;
	uint32_t i = (uint32_t)(tr_hash_combine((uint64_t)start, (uint64_t)first_end) >> (64 - assign->map_bits));

	while (assign->map[i] != 0 && (assign->targets[assign->map[i] - 1].start != start ||
				       assign->targets[assign->map[i] - 1].first_end != first_end))
		i = (i + 1) & mask;
	return &assign->map[i];
}

static uint32_t find_target(struct tr_window_assign *assign, int64_t start, int64_t first_end)
{
	uint32_t *place = map_place(assign, start, first_end);

	if (*place == 0)
		*place = add_target(assign, start, first_end) + 1;
	return *place - 1;
}

/** Empties the map again: place by place if there are few, which are all looked for before the first goes. */
static void forget_targets(struct tr_window_assign *assign)
{
	uint32_t *places[FEW_TARGETS];

	if (assign->target_count <= FEW_TARGETS) {
		for (uint32_t t = 0; t < assign->target_count; t++)
			places[t] = map_place(assign, assign->targets[t].start, assign->targets[t].first_end);
		for (uint32_t t = 0; t < assign->target_count; t++)
			*places[t] = 0;
		return;
	}
	memset(assign->map, 0, sizeof(*assign->map) << assign->map_bits);
}

static tr_code fail_null(const struct tr_window_assign *assign, const struct tr_batch *batch, uint32_t row,
			 struct tr_status *st)
{
	const char *name = batch->schema->names[assign->clock->spec.time_column];
	const struct tr_row_origin *origin = batch->origin;

	if (origin == NULL)
		TR_FAIL(st, TR_ERR_DATA,
			"the event time column %s is NULL in a row: filter such rows out or replace the NULL", name);
	TR_FAIL(st, TR_ERR_DATA,
		"the event time column %s is NULL in row %" PRIu64
		" of table %s, %s: filter such rows out or replace the NULL",
		name, origin->row_number + row, origin->table, origin->split);
}

tr_code tr_window_assign_times(struct tr_window_assign *assign, const struct tr_batch *batch, struct tr_status *st)
{
	const struct tr_column *column;
	const uint32_t *rows = batch->selection;
	const uint32_t count = batch->selected_count;

	reserve(assign, count);
	if (assign->clock->spec.is_whole) {
		memset(assign->times, 0, count * sizeof(*assign->times));
		return TR_OK;
	}
	column = &batch->columns[assign->clock->spec.time_column];
	if (column->validity != NULL || column->type->phys == TR_PHYS_NONE)
		for (uint32_t i = 0; i < count; i++)
			if (tr_column_is_null(column, tr_batch_row(batch, i)))
				return fail_null(assign, batch, tr_batch_row(batch, i), st);
	if (column->is_constant)
		for (uint32_t i = 0; i < count; i++)
			assign->times[i] = tr_column_i64(column, 0);
	else if (rows != NULL)
		TR_ISA_PICK(tr_window_kernels)->gather(column->data, rows, count, assign->times);
	else
		memcpy(assign->times, column->data, count * sizeof(*assign->times));
	if (assign->clock->zone != NULL)
		for (uint32_t i = 0; i < count; i++)
			assign->times[i] = tr_window_local(assign->clock, assign->times[i]);
	return TR_OK;
}

static int64_t greatest_watermark(const struct tr_batch *batch, int64_t watermark_ms)
{
	for (uint32_t r = 0; r < batch->run_count; r++)
		watermark_ms = TR_MAX(watermark_ms, batch->runs[r].watermark_ms);
	return watermark_ms;
}

/** Sorted and on time: where each slice ends is searched, in growing steps from where the last one did. */
static void assign_sorted(struct tr_window_assign *assign, const int64_t *times)
{
	uint32_t at = 0;

	while (at < assign->count) {
		const int64_t start = tr_window_slice_start(assign->clock, times[at]);
		const int64_t end = start + assign->clock->slice_ms;
		const uint32_t id = add_target(assign, start, tr_window_first_end(assign->clock, start));
		uint32_t low = at, step = 1, high;

		while (low + step < assign->count && times[low + step] < end) {
			low += step;
			step *= 2;
		}
		high = TR_MIN(low + step, assign->count); /* times[low] < end, times[high] is not, or is none */
		while (low + 1 < high) {
			const uint32_t middle = low + (high - low) / 2;

			if (times[middle] < end)
				low = middle;
			else
				high = middle;
		}
		assign->targets[id].first = at;
		assign->targets[id].count = high - at;
		at = high;
	}
}

/** The target of a row that is late for the first window of its slice; LATE if for all of them. */
static uint32_t late_target(struct tr_window_assign *assign, int64_t start, int64_t watermark_ms)
{
	const int64_t first_end = tr_window_first_open(assign->clock, start, watermark_ms);

	if (first_end == INT64_MIN)
		return LATE;
	if (assign->clock->spec.kind == TR_WINDOW_CUMULATE)
		start = first_end - assign->clock->slice_ms;
	return find_target(assign, start, first_end);
}

/** The number, counted from `base`, of the first slice whose first window is open at `watermark_ms`; at most `limit`. */
static uint64_t first_open_slice(struct tr_window_assign *assign, int64_t base, uint64_t limit, int64_t watermark_ms)
{
	uint64_t low = 0;

	while (low < limit) {
		const uint64_t middle = low + (limit - low) / 2;
		const int64_t start = base + (int64_t)middle * assign->clock->slice_ms;

		if (tr_window_timer(assign->clock, tr_window_first_end(assign->clock, start)) > watermark_ms)
			limit = middle;
		else
			low = middle + 1;
	}
	return low;
}

/** Rows from .. to have the same watermark. */
static void assign_run(struct tr_window_assign *assign, const int64_t *times, int64_t base, uint64_t span,
		       uint32_t from, uint32_t to, int64_t watermark_ms)
{
	const int64_t slice_ms = assign->clock->slice_ms;
	const uint64_t open = first_open_slice(assign, base, span, watermark_ms);
	uint32_t *ids = assign->ids;

	if (span >= SPAN_MAX || times == NULL) {
		for (uint32_t i = from; i < to; i++) {
			const int64_t start = tr_window_slice_start(assign->clock, times[i]);

			ids[i] = (uint64_t)((start - base) / slice_ms) >= open
					 ? find_target(assign, start, tr_window_first_end(assign->clock, start))
					 : late_target(assign, start, watermark_ms);
		}
		return;
	}
	TR_ISA_PICK(tr_window_kernels)->slices(times + from, to - from, base, slice_ms, ids + from);
	for (uint32_t i = from; i < to; i++) {
		const uint32_t number = ids[i];
		const int64_t start = base + (int64_t)number * slice_ms;

		if (TR_UNLIKELY(number < open)) {
			ids[i] = late_target(assign, start, watermark_ms);
			continue;
		}
		if (TR_UNLIKELY(assign->by_slice[number] == 0))
			assign->by_slice[number] =
				find_target(assign, start, tr_window_first_end(assign->clock, start)) + 1;
		ids[i] = assign->by_slice[number] - 1;
	}
}

/** Puts the rows in the order of their targets, without those that are late. */
static void group_rows(struct tr_window_assign *assign, const struct tr_batch *batch)
{
	const uint32_t n = batch->selected_count;
	uint32_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (assign->ids[i] == LATE)
			assign->late_count++;
		else
			assign->targets[assign->ids[i]].count++;
	}
	for (uint32_t t = 0; t < assign->target_count; t++) {
		assign->targets[t].first = at;
		at += assign->targets[t].count;
		assign->targets[t].count = 0;
	}
	assign->count = at;
	for (uint32_t i = 0; i < n; i++) {
		struct tr_window_target *target;

		if (assign->ids[i] == LATE)
			continue;
		target = &assign->targets[assign->ids[i]];
		assign->grouped[target->first + target->count++] = tr_batch_row(batch, i);
	}
	assign->rows = assign->grouped;
}

static void assign_slow(struct tr_window_assign *assign, const struct tr_batch *batch, const int64_t *times,
			int64_t base, uint64_t span, int64_t watermark_ms)
{
	const uint32_t n = batch->selected_count;
	uint32_t from = 0, run = 0;

	while (from < n) {
		const int64_t watermark = tr_window_row_watermark(batch, tr_batch_row(batch, from), &run, watermark_ms);
		uint32_t to = from + 1;

		if (batch->run_count == 0 || run + 1 == batch->run_count)
			to = n;
		while (to < n && tr_batch_row(batch, to) < batch->runs[run + 1].row)
			to++;
		assign_run(assign, times, base, span, from, to, watermark);
		from = to;
	}
	if (span < SPAN_MAX)
		memset(assign->by_slice, 0, (size_t)span * sizeof(*assign->by_slice));
	forget_targets(assign);
	group_rows(assign, batch);
}

/** The target of an exception. Targets are few here, so they are searched from the last one found. */
static uint32_t exception_target(struct tr_window_assign *assign, int64_t t, int64_t watermark_ms, uint32_t hint)
{
	const struct tr_window_target *last = &assign->targets[hint];
	int64_t start, first_end;

	if (t >= last->start && t - last->start < assign->clock->slice_ms &&
	    last->first_end == tr_window_first_end(assign->clock, last->start) &&
	    tr_window_timer(assign->clock, last->first_end) > watermark_ms)
		return hint;
	start = tr_window_slice_start(assign->clock, t);
	first_end = tr_window_first_end(assign->clock, start);
	return tr_window_timer(assign->clock, first_end) > watermark_ms ? find_target(assign, start, first_end)
									: late_target(assign, start, watermark_ms);
}

/** The same for a slice whose number is known, with what by_slice remembers. */
static inline uint32_t numbered_target(struct tr_window_assign *assign, int64_t base, uint32_t number,
				       int64_t watermark_ms)
{
	uint32_t id = assign->by_slice[number];
	int64_t start;

	if (TR_LIKELY(id != 0 && tr_window_timer(assign->clock, assign->targets[id - 1].first_end) > watermark_ms))
		return id - 1;
	start = base + (int64_t)number * assign->clock->slice_ms;
	id = exception_target(assign, start, watermark_ms, 0);
	if (id != LATE && assign->targets[id].start == start &&
	    assign->targets[id].first_end == tr_window_first_end(assign->clock, start))
		assign->by_slice[number] = id + 1;
	return id;
}

/** Empties what finding the exceptions' targets has filled. */
static void forget_exceptions(struct tr_window_assign *assign, int64_t base, uint64_t span)
{
	if (span <= FEW_SLICES)
		memset(assign->by_slice, 0, (size_t)span * sizeof(*assign->by_slice));
	for (uint32_t t = 0; span > FEW_SLICES && span < SPAN_MAX && t < assign->target_count; t++) {
		const int64_t number = (assign->targets[t].start - base) / assign->clock->slice_ms;

		if (number >= 0 && number < SPAN_MAX)
			assign->by_slice[number] = 0;
	}
	forget_targets(assign);
}

/** What the walk over the exceptions knows. */
struct exceptions {
	const struct tr_batch *batch;
	const int64_t *times;
	int64_t base;
	bool is_numbered;
	bool is_tumble;
	int64_t watermark_ms;
	int64_t late_until, late_watermark; /* TUMBLE: what is known to be late */
	uint32_t run, hint;
};

/** The target of the exception at `position`, which lies in slice `number` if slices are numbered. */
static uint32_t exception_at(struct tr_window_assign *assign, struct exceptions *e, uint32_t position, uint32_t number)
{
	const int64_t time = e->times[position];
	const int64_t watermark =
		tr_window_row_watermark(e->batch, tr_batch_row(e->batch, position), &e->run, e->watermark_ms);
	uint32_t id;

	if (e->is_tumble && time < e->late_until && watermark >= e->late_watermark)
		return LATE;
	id = e->is_numbered ? numbered_target(assign, e->base, number, watermark)
			    : exception_target(assign, time, watermark, e->hint);
	if (id != LATE) {
		e->hint = id;
	} else if (e->is_tumble && time >= e->late_until) {
		e->late_until = tr_window_slice_start(assign->clock, time) + assign->clock->slice_ms;
		e->late_watermark = watermark;
	}
	return id;
}

/** Puts the exceptions in the order of their targets; the late ones come last. */
static void order_exceptions(struct tr_window_assign *assign, uint32_t row_count)
{
	uint32_t at = 0;

	assign->targets[0].count = row_count - assign->exception_count;
	for (uint32_t t = 1; t < assign->target_count; t++) {
		assign->targets[t].first = at;
		at += assign->targets[t].count;
		assign->targets[t].count = 0;
	}
	for (uint32_t i = 0; i < assign->exception_count; i++) {
		const uint32_t id = assign->exception_ids[i];

		if (id == LATE)
			assign->grouped[at++] = assign->exceptions[i];
		else
			assign->grouped[assign->targets[id].first + assign->targets[id].count++] =
				assign->exceptions[i];
	}
	memcpy(assign->exceptions, assign->grouped, assign->exception_count * sizeof(*assign->exceptions));
	assign->has_exceptions = true;
}

/** Most rows lie in the slice of the latest one, which is on time for all: only the others are looked at one by one.
 * False: they are too many. */
static bool assign_exceptions(struct tr_window_assign *assign, const struct tr_batch *batch, const int64_t *times,
			      int64_t base, uint64_t span, int64_t latest, int64_t watermark_ms)
{
	struct tr_window_clock *clock = assign->clock;
	const struct tr_window_kernels *kernels = TR_ISA_PICK(tr_window_kernels);
	const uint32_t n = batch->selected_count;
	const int64_t start = tr_window_slice_start(clock, latest);
	const int64_t first_end = tr_window_first_end(clock, start);
	const int64_t greatest_ms = greatest_watermark(batch, watermark_ms);
	struct exceptions e = {.batch = batch,
			       .times = times,
			       .base = base,
			       .is_numbered = span < SPAN_MAX,
			       .is_tumble = clock->spec.kind == TR_WINDOW_TUMBLE && clock->zone == NULL,
			       .watermark_ms = watermark_ms,
			       .late_until = INT64_MIN,
			       .late_watermark = INT64_MAX};
	uint64_t open; /* slices from here on are on time for every row */

	if (tr_window_timer(clock, first_end) <= greatest_ms)
		return false;
	assign->exception_count = kernels->outside(times, n, start, clock->slice_ms, assign->exceptions);
	if (assign->exception_count > n / 4)
		return false;
	if (e.is_numbered)
		kernels->slices_at(times, assign->exceptions, assign->exception_count, base, clock->slice_ms,
				   assign->exception_ids);
	e.hint = find_target(assign, start, first_end);
	open = e.is_numbered ? first_open_slice(assign, base, span, greatest_ms) : UINT64_MAX;
	for (uint32_t i = 0; i < assign->exception_count; i++) {
		const uint32_t number = e.is_numbered ? assign->exception_ids[i] : 0;
		uint32_t id = number >= open ? assign->by_slice[number] : 0;

		if (TR_LIKELY(id != 0)) {
			id--;
		} else {
			id = exception_at(assign, &e, assign->exceptions[i], number);
			if (id == 0) { /* CUMULATE: a late row that moved to the main slice is no exception */
				forget_exceptions(assign, base, span);
				assign->late_count = assign->target_count = 0;
				return false;
			}
		}
		assign->exception_ids[i] = id;
		if (TR_UNLIKELY(id == LATE))
			assign->late_count++;
		else
			assign->targets[id].count++;
	}
	forget_exceptions(assign, base, span);
	order_exceptions(assign, n);
	return true;
}

void tr_window_assign_group(struct tr_window_assign *assign, const struct tr_batch *batch)
{
	TR_ASSERT(assign->has_exceptions);
	memset(assign->ids, 0, batch->selected_count * sizeof(*assign->ids));
	for (uint32_t i = 0; i < assign->exception_count; i++)
		assign->ids[assign->exceptions[i]] = LATE;
	for (uint32_t t = 1; t < assign->target_count; t++)
		for (uint32_t i = 0; i < assign->targets[t].count; i++)
			assign->ids[assign->exceptions[assign->targets[t].first + i]] = t;
	for (uint32_t t = 0; t < assign->target_count; t++)
		assign->targets[t].count = 0;
	assign->late_count = 0;
	assign->has_exceptions = false;
	group_rows(assign, batch);
}

tr_code tr_window_assign_rows(struct tr_window_assign *assign, const struct tr_batch *batch, int64_t watermark_ms,
			      struct tr_status *st)
{
	struct tr_window_clock *clock = assign->clock;
	const struct tr_column *column;
	const int64_t *times;
	struct tr_window_range range;
	int64_t first, first_end;
	bool is_on_time;

	begin(assign, batch);
	if (batch->selected_count == 0)
		return TR_OK;
	if (clock->spec.is_whole) {
		assign->targets[add_target(assign, 0, clock->slice_ms)].count = assign->count;
		return TR_OK;
	}
	column = &batch->columns[clock->spec.time_column];
	if (batch->selection == NULL && !column->is_constant && column->validity == NULL && clock->zone == NULL) {
		times = column->data;
	} else {
		TR_TRY(tr_window_assign_times(assign, batch, st));
		times = assign->times;
	}
	TR_ISA_PICK(tr_window_kernels)->range(times, batch->selected_count, &range);
	if (range.least < -TR_WINDOW_TIME_MAX || range.greatest > TR_WINDOW_TIME_MAX)
		TR_FAIL(st, TR_ERR_DATA, "the event time %lld ms in column %s is out of range",
			(long long)(range.least < -TR_WINDOW_TIME_MAX ? range.least : range.greatest),
			batch->schema->names[clock->spec.time_column]);
	first = tr_window_slice_start(clock, range.least);
	first_end = tr_window_first_end(clock, first);
	is_on_time = tr_window_timer(clock, first_end) > greatest_watermark(batch, watermark_ms);
	if (is_on_time && range.greatest - first < clock->slice_ms) {
		const uint32_t id = add_target(assign, first, first_end);

		assign->targets[id].count = assign->count;
	} else if (is_on_time && range.descents == 0) {
		assign_sorted(assign, times);
	} else {
		const uint64_t span = (uint64_t)(range.greatest - first) / (uint64_t)clock->slice_ms + 1;

		if (!assign_exceptions(assign, batch, times, first, span, range.greatest, watermark_ms))
			assign_slow(assign, batch, times, first, span, watermark_ms);
	}
	return TR_OK;
}

void tr_window_assign_partials(struct tr_window_assign *assign, const struct tr_batch *batch, uint32_t start_column,
			       uint32_t first_end_column, uint32_t rows_column, int64_t watermark_ms)
{
	const uint32_t n = batch->selected_count;
	int64_t last_start = 0, last_end = 0;
	uint32_t last = LATE;
	uint64_t late = 0;

	begin(assign, batch);
	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		const int64_t start = tr_column_i64(&batch->columns[start_column], row);
		const int64_t end = tr_column_i64(&batch->columns[first_end_column], row);

		if (last != LATE && start == last_start && end == last_end) {
			assign->ids[i] = last;
			continue;
		}
		if (TR_LIKELY(tr_window_timer(assign->clock, end) > watermark_ms)) {
			last_start = start;
			last_end = end;
			assign->ids[i] = last = find_target(assign, start, end);
		} else {
			assign->ids[i] = late_target(assign, start, watermark_ms);
			if (assign->ids[i] == LATE)
				late += (uint64_t)tr_column_i64(&batch->columns[rows_column], row);
		}
	}
	forget_targets(assign);
	group_rows(assign, batch);
	assign->late_count = (uint32_t)TR_MIN(late, (uint64_t)UINT32_MAX);
}
