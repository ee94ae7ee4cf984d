/* SPDX-License-Identifier: Apache-2.0
 *
 * Stamping: the loops. core/source_stamp.h has the rule.
 */
#include "core/source_stamp.h"

#include "base/check.h"
#include "core/source_task.h"

bool tr_stamp_find_null(const struct tr_column *time, uint32_t row_count, uint32_t *row)
{
	if (time->validity == NULL && time->type->phys != TR_PHYS_NONE)
		return false;
	for (uint32_t i = 0; i < row_count; i++) {
		if (tr_column_is_null(time, i)) {
			*row = i;
			return true;
		}
	}
	return false;
}

static int64_t copy_values(int64_t *restrict target, const int64_t *restrict source, uint32_t count)
{
	int64_t greatest = TR_WATERMARK_MIN;

	for (uint32_t i = 0; i < count; i++) {
		target[i] = source[i];
		greatest = TR_MAX(greatest, source[i]);
	}
	return greatest;
}

void tr_stamp_keep(struct tr_source_entry *entry, const struct tr_column *watermark)
{
	const uint32_t count = entry->buffer->batch.row_count;
	int64_t greatest = TR_WATERMARK_MIN;

	if (entry->skip == 0 && watermark->validity == NULL && !watermark->is_constant &&
	    watermark->type->phys == TR_PHYS_I64) {
		entry->greatest_ms = copy_values(entry->watermarks, watermark->data, count);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const bool moves = i >= entry->skip && !tr_column_is_null(watermark, i);

		entry->watermarks[i] = moves ? tr_column_i64(watermark, i) : TR_WATERMARK_MIN;
		greatest = TR_MAX(greatest, entry->watermarks[i]);
	}
	entry->greatest_ms = greatest;
}

#define STAMP_BLOCK 64

/** The greatest of up to STAMP_BLOCK values; four at a time, since one maximum waits for the one before. */
static int64_t greatest_of(const int64_t *values, uint32_t count)
{
	int64_t a = values[0], b = a, c = a, d = a;
	uint32_t i = 0;

	for (; i + 4 <= count; i += 4) {
		a = TR_MAX(a, values[i]);
		b = TR_MAX(b, values[i + 1]);
		c = TR_MAX(c, values[i + 2]);
		d = TR_MAX(d, values[i + 3]);
	}
	for (; i < count; i++)
		a = TR_MAX(a, values[i]);
	a = TR_MAX(a, b);
	c = TR_MAX(c, d);
	return TR_MAX(a, c);
}

/** Walks the rows of a batch that moves the watermark; only blocks that move it go row by row. */
static void walk(struct tr_stamp *stamp, struct tr_batch_buffer *buffer, const int64_t *watermarks, int64_t interval_ms)
{
	const uint32_t count = buffer->batch.row_count;
	int64_t current = stamp->current_ms;
	int64_t last = stamp->last_ms;

	for (uint32_t base = 0; base < count; base += STAMP_BLOCK) {
		const uint32_t end = TR_MIN(base + STAMP_BLOCK, count);
		const int64_t greatest = TR_MAX(current, greatest_of(watermarks + base, end - base));

		if (greatest - last <= interval_ms) {
			current = greatest;
			continue;
		}
		for (uint32_t i = base; i < end; i++) {
			current = TR_MAX(current, watermarks[i]);
			if (current - last <= interval_ms)
				continue;
			last = current;
			if (i + 1 < count)
				tr_batch_buffer_add_run(buffer, i + 1, last);
		}
	}
	stamp->current_ms = current;
	stamp->last_ms = last;
}

void tr_stamp_batch(struct tr_stamp *stamp, struct tr_source_entry *entry, int64_t interval_ms)
{
	struct tr_batch_buffer *buffer = entry->buffer;
	const uint32_t count = buffer->batch.row_count;

	TR_ASSERT(stamp->current_ms >= stamp->last_ms && stamp->last_ms >= 0);
	if (count > 0) {
		const int64_t greatest = TR_MAX(stamp->current_ms, entry->greatest_ms);

		tr_batch_buffer_add_run(buffer, 0, tr_carry_watermark(stamp->last_ms));
		if (greatest - stamp->last_ms <= interval_ms)
			stamp->current_ms = greatest;
		else
			walk(stamp, buffer, entry->watermarks, interval_ms);
		buffer->batch.runs = buffer->runs;
	}
	stamp->current_ms = TR_MAX(stamp->current_ms, entry->info.watermark_ms);
	stamp->last_ms = TR_MAX(stamp->last_ms, entry->info.watermark_ms);
	buffer->batch.watermark_ms = tr_carry_watermark(stamp->last_ms);
	entry->after = *stamp;
}

void tr_stamp_limit(struct tr_source_entry *entry, int64_t least_ms, int64_t floor_ms)
{
	struct tr_batch *batch = &entry->buffer->batch;
	struct tr_watermark_run *runs = entry->buffer->runs;
	uint32_t count = 0;

	batch->watermark_ms = TR_MAX(TR_MIN(batch->watermark_ms, least_ms), floor_ms);
	if (batch->run_count == 0 ||
	    (runs[0].watermark_ms >= floor_ms && runs[batch->run_count - 1].watermark_ms <= least_ms))
		return;
	for (uint32_t r = 0; r < batch->run_count; r++) {
		const int64_t watermark_ms = TR_MAX(TR_MIN(runs[r].watermark_ms, least_ms), floor_ms);

		if (count == 0 || runs[count - 1].watermark_ms != watermark_ms)
			runs[count++] = (struct tr_watermark_run){runs[r].row, watermark_ms};
	}
	batch->run_count = count;
}

int64_t tr_stamp_others_least(struct tr_stamp_others *others, const struct tr_source_plan *plan, uint64_t but,
			      bool use_current, int64_t now_ns)
{
	const int64_t idle_ns = plan->idle_timeout_ms * 1000000;
	uint64_t known = 0, begun = 0;
	int64_t least = TR_WATERMARK_MAX;

	others->idle_ms = 0;
	plan->ops->progress(plan->source, &known, &begun);
	if (begun < known)
		return TR_WATERMARK_MIN;
	for (uint64_t s = others->first_open; s < begun; s++) {
		struct tr_carry_slot *slot = tr_carries_slot(plan->carries, s);
		int64_t value_ms, active_ns;

		if (atomic_load_explicit(&slot->restored_left, memory_order_relaxed) > 0) {
			if (s != but) {
				value_ms = atomic_load_explicit(&slot->restored_ms, memory_order_relaxed);
				least = TR_MIN(least, value_ms);
			}
			continue;
		}
		if (atomic_load_explicit(&slot->is_finished, memory_order_relaxed)) {
			others->first_open += s == others->first_open;
			value_ms = atomic_load_explicit(&slot->current_ms, memory_order_relaxed);
			others->finished_ms = TR_MAX(others->finished_ms, value_ms);
			continue;
		}
		active_ns = atomic_load_explicit(&slot->active_ns, memory_order_relaxed);
		if (active_ns == 0 && idle_ns > 0) /* its time begins */
			(void)atomic_compare_exchange_strong_explicit(&slot->active_ns, &active_ns, now_ns,
								      memory_order_relaxed, memory_order_relaxed);
		if (idle_ns > 0 && active_ns > 0 && now_ns - active_ns >= idle_ns) {
			value_ms = atomic_load_explicit(&slot->current_ms, memory_order_relaxed);
			others->idle_ms = TR_MAX(others->idle_ms, value_ms);
			continue;
		}
		if (s == but)
			continue;
		value_ms = atomic_load_explicit(use_current ? &slot->current_ms : &slot->last_ms, memory_order_relaxed);
		least = TR_MIN(least, tr_carry_watermark(value_ms));
	}
	return least;
}
