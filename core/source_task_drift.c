/* SPDX-License-Identifier: Apache-2.0
 *
 * Source task, waiting: for its group (core/drift.h), and what can't be read because of that, or because the chain is blocked, does not
 * become idle meanwhile.
 *
 * A subtask keeps the splits active of which it had the last chunk; a split that was idle before stays so.
 */
#include <stddef.h>

#include "core/source_task_inner.h"

void tr_source_task_stay_active(struct tr_source_task *t, bool all)
{
	const int64_t idle_ns = t->plan->idle_timeout_ms * 1000000;
	uint64_t known, begun;

	if (all)
		t->last_rows_ns = t->now_ns;
	if (idle_ns == 0 || t->now_ns - t->awake_ns < tr_source_task_idle_share_ns(t))
		return;
	t->awake_ns = t->now_ns;
	t->plan->ops->progress(t->plan->source, &known, &begun);
	for (uint64_t s = t->others.first_open; s < begun; s++) {
		struct tr_carry_slot *slot = tr_carries_slot(t->plan->carries, s);
		int64_t active_ns = atomic_load_explicit(&slot->active_ns, memory_order_relaxed);

		if (atomic_load_explicit(&slot->reader, memory_order_relaxed) != t->reader_context.subtask + 1 ||
		    active_ns == 0 || t->now_ns - active_ns >= idle_ns)
			continue;
		if (all || t->reader_context.is_ahead(&t->reader_context, s))
			atomic_store_explicit(&slot->active_ns, t->now_ns, memory_order_relaxed);
	}
}

bool tr_source_task_is_ahead(struct tr_source_context *context, uint64_t split)
{
	struct tr_source_task *t =
		(struct tr_source_task *)((char *)context - offsetof(struct tr_source_task, reader_context));
	const struct tr_carry_slot *slot = tr_carries_slot(t->plan->carries, split);
	const int64_t current_ms = atomic_load_explicit(&slot->current_ms, memory_order_relaxed);

	return tr_drift_is_ahead(t->plan->drift, tr_carry_watermark(current_ms));
}

void tr_source_task_look_at_group(struct tr_source_task *t)
{
	struct tr_drift_member *drift = t->plan->drift;
	const int64_t least_ms = tr_source_task_least_of_others(t, UINT64_MAX, true);

	if (tr_drift_is_due(drift, t->now_ns) && tr_drift_turn(drift, least_ms, t->now_ns))
		t->wakes->workers |= t->plan->workers;
	t->is_held_back = tr_drift_is_ahead(drift, least_ms);
	if (t->is_held_back)
		t->reader_context.wake_at_ns = INT64_MAX;
	tr_source_task_stay_active(t, t->is_held_back);
}
