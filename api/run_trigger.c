/* SPDX-License-Identifier: Apache-2.0
 *
 * Triggers and evictors that there are; and the timers of all triggers. See include/tailrace/trigger.h.
 */
#include "api/run_window.h"
#include "base/check.h"

/* Timers. */

void tr_run_trigger_call_init(struct tr_run_trigger_call *call, struct tr_run_windows *w,
			      const struct tr_table_key *key, const struct tr_window *window, void *state)
{
	const struct tr_trigger *trigger = &w->plan->trigger;

	call->call = (struct tr_trigger_call){w->context, *window, trigger->user, trigger->parameter, state};
	call->windows = w;
	call->key = (struct tr_table_key){call->bytes, key->length + TR_RUN_WINDOW_BYTES, key->partition};
	memcpy(call->bytes, key->bytes, key->length);
	memcpy(call->bytes + key->length, window, TR_RUN_WINDOW_BYTES);
}

static struct tr_timer_state *timers_of(const struct tr_trigger_call *call, int which)
{
	tr_run_check_context(call->context);
	return &call->context->timers[which];
}

static const struct tr_table_key *key_of(const struct tr_trigger_call *call)
{
	return &((const struct tr_run_trigger_call *)call)->key;
}

void tr_trigger_set_event_time(struct tr_trigger_call *call, int64_t time_ms)
{
	tr_timer_state_add(timers_of(call, TR_RUN_EVENT_TIME), time_ms, key_of(call));
}

void tr_trigger_set_processing_time(struct tr_trigger_call *call, int64_t time_ms)
{
	tr_timer_state_add(timers_of(call, TR_RUN_PROCESSING_TIME), time_ms, key_of(call));
}

void tr_trigger_delete_event_time(struct tr_trigger_call *call, int64_t time_ms)
{
	tr_timer_state_remove(timers_of(call, TR_RUN_EVENT_TIME), time_ms, key_of(call));
}

void tr_trigger_delete_processing_time(struct tr_trigger_call *call, int64_t time_ms)
{
	tr_timer_state_remove(timers_of(call, TR_RUN_PROCESSING_TIME), time_ms, key_of(call));
}

/* Event time. */

static bool has_passed(const struct tr_trigger_call *call)
{
	return tr_window_last(&call->window) <= tr_context_watermark(call->context);
}

static enum tr_trigger_result event_time_on_row(struct tr_trigger_call *call, const struct tr_row *row)
{
	if (has_passed(call))
		return TR_TRIGGER_FIRE;
	tr_trigger_set_event_time(call, tr_window_last(&call->window));
	return TR_TRIGGER_CONTINUE;
}

static enum tr_trigger_result event_time_on_timer(struct tr_trigger_call *call, int64_t time_ms)
{
	return time_ms == tr_window_last(&call->window) ? TR_TRIGGER_FIRE : TR_TRIGGER_CONTINUE;
}

/** A window that has passed already fires for the row that has brought the sessions together. */
static void event_time_on_merge(struct tr_trigger_call *call, const void *const *states, uint32_t count)
{
	if (!has_passed(call))
		tr_trigger_set_event_time(call, tr_window_last(&call->window));
}

static void event_time_clear(struct tr_trigger_call *call)
{
	tr_trigger_delete_event_time(call, tr_window_last(&call->window));
}

struct tr_trigger tr_trigger_event_time(void)
{
	return TR_MAKE(tr_trigger, .on_row = event_time_on_row, .on_event_time = event_time_on_timer,
		       .on_merge = event_time_on_merge, .clear = event_time_clear);
}

/* Processing time. */

static enum tr_trigger_result processing_time_on_row(struct tr_trigger_call *call, const struct tr_row *row)
{
	tr_trigger_set_processing_time(call, tr_window_last(&call->window));
	return TR_TRIGGER_CONTINUE;
}

static enum tr_trigger_result processing_time_on_timer(struct tr_trigger_call *call, int64_t time_ms)
{
	return TR_TRIGGER_FIRE;
}

static void processing_time_on_merge(struct tr_trigger_call *call, const void *const *states, uint32_t count)
{
	if (tr_window_last(&call->window) > tr_context_processing_time(call->context))
		tr_trigger_set_processing_time(call, tr_window_last(&call->window));
}

static void processing_time_clear(struct tr_trigger_call *call)
{
	tr_trigger_delete_processing_time(call, tr_window_last(&call->window));
}

struct tr_trigger tr_trigger_processing_time(void)
{
	return TR_MAKE(tr_trigger, .on_row = processing_time_on_row, .on_processing_time = processing_time_on_timer,
		       .on_merge = processing_time_on_merge, .clear = processing_time_clear);
}

bool tr_run_trigger_is_plain(const struct tr_trigger *trigger, bool is_event_time)
{
	return trigger->on_row == (is_event_time ? event_time_on_row : processing_time_on_row);
}

/* Never. */

static enum tr_trigger_result never_on_row(struct tr_trigger_call *call, const struct tr_row *row)
{
	return TR_TRIGGER_CONTINUE;
}

static void never_on_merge(struct tr_trigger_call *call, const void *const *states, uint32_t count) {}

struct tr_trigger tr_trigger_never(void)
{
	return TR_MAKE(tr_trigger, .on_row = never_on_row, .on_merge = never_on_merge);
}

/* Count: the state is how many. */

static enum tr_trigger_result count_on_row(struct tr_trigger_call *call, const struct tr_row *row)
{
	int64_t *count = call->state;

	if (++*count < call->parameter)
		return TR_TRIGGER_CONTINUE;
	*count = 0;
	return TR_TRIGGER_FIRE;
}

static void count_on_merge(struct tr_trigger_call *call, const void *const *states, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		*(int64_t *)call->state += *(const int64_t *)states[i];
}

struct tr_trigger tr_trigger_count(int64_t count)
{
	return TR_MAKE(tr_trigger, .parameter = count, .state_bytes = sizeof(int64_t), .on_row = count_on_row,
		       .on_merge = count_on_merge);
}

/* Continuous: the state is when it fires next. */

struct next {
	int64_t time_ms;
	int64_t is_set;
};

static void set_timer(struct tr_trigger_call *call, bool is_event_time, int64_t time_ms)
{
	if (is_event_time)
		tr_trigger_set_event_time(call, time_ms);
	else
		tr_trigger_set_processing_time(call, time_ms);
}

/** An interval after `from_ms`; but not after the end of the window, if that is still to come at `now_ms`. */
static void set_next(struct tr_trigger_call *call, bool is_event_time, int64_t from_ms, int64_t now_ms)
{
	const int64_t last_ms = tr_window_last(&call->window);
	struct next *next = call->state;
	int64_t time_ms;

	if (__builtin_add_overflow(from_ms, call->parameter, &time_ms))
		time_ms = INT64_MAX;
	*next = (struct next){last_ms >= now_ms ? TR_MIN(time_ms, last_ms) : time_ms, true};
	set_timer(call, is_event_time, next->time_ms);
}

static enum tr_trigger_result continuous_on_timer(struct tr_trigger_call *call, bool is_event_time, int64_t time_ms)
{
	struct next *next = call->state;

	if (!next->is_set || next->time_ms != time_ms)
		return TR_TRIGGER_CONTINUE;
	next->is_set = false;
	/* At the end of the input a window without an end would fire for ever. */
	if (!is_event_time || tr_context_watermark(call->context) != TR_WATERMARK_MAX ||
	    tr_window_last(&call->window) != INT64_MAX)
		set_next(call, is_event_time, time_ms, time_ms + 1);
	return TR_TRIGGER_FIRE;
}

/** The earliest of them. */
static void continuous_on_merge(struct tr_trigger_call *call, bool is_event_time, const void *const *states,
				uint32_t count)
{
	struct next *next = call->state;

	for (uint32_t i = 0; i < count; i++) {
		const struct next *other = states[i];

		if (other->is_set && (!next->is_set || other->time_ms < next->time_ms))
			*next = *other;
	}
	if (next->is_set)
		set_timer(call, is_event_time, next->time_ms);
}

static enum tr_trigger_result continuous_event_time_on_row(struct tr_trigger_call *call, const struct tr_row *row)
{
	const struct next *next = call->state;
	const int64_t time_ms = tr_context_timestamp(call->context);

	if (has_passed(call))
		return TR_TRIGGER_FIRE;
	tr_trigger_set_event_time(call, tr_window_last(&call->window));
	if (!next->is_set)
		set_next(call, true, time_ms - time_ms % call->parameter, time_ms);
	return TR_TRIGGER_CONTINUE;
}

static enum tr_trigger_result continuous_event_time_on_timer(struct tr_trigger_call *call, int64_t time_ms)
{
	if (time_ms == tr_window_last(&call->window))
		return TR_TRIGGER_FIRE;
	return continuous_on_timer(call, true, time_ms);
}

static void continuous_event_time_on_merge(struct tr_trigger_call *call, const void *const *states, uint32_t count)
{
	continuous_on_merge(call, true, states, count);
}

static void continuous_event_time_clear(struct tr_trigger_call *call)
{
	const struct next *next = call->state;

	tr_trigger_delete_event_time(call, tr_window_last(&call->window));
	if (next->is_set)
		tr_trigger_delete_event_time(call, next->time_ms);
}

struct tr_trigger tr_trigger_continuous_event_time(int64_t interval_ms)
{
	return TR_MAKE(tr_trigger, .parameter = interval_ms, .state_bytes = sizeof(struct next),
		       .on_row = continuous_event_time_on_row, .on_event_time = continuous_event_time_on_timer,
		       .on_merge = continuous_event_time_on_merge, .clear = continuous_event_time_clear);
}

static enum tr_trigger_result continuous_processing_time_on_row(struct tr_trigger_call *call, const struct tr_row *row)
{
	const struct next *next = call->state;
	const int64_t now_ms = tr_context_processing_time(call->context);

	if (!next->is_set)
		set_next(call, false, now_ms - now_ms % call->parameter, now_ms);
	return TR_TRIGGER_CONTINUE;
}

static enum tr_trigger_result continuous_processing_time_on_timer(struct tr_trigger_call *call, int64_t time_ms)
{
	return continuous_on_timer(call, false, time_ms);
}

static void continuous_processing_time_on_merge(struct tr_trigger_call *call, const void *const *states, uint32_t count)
{
	continuous_on_merge(call, false, states, count);
}

static void continuous_processing_time_clear(struct tr_trigger_call *call)
{
	const struct next *next = call->state;

	if (next->is_set)
		tr_trigger_delete_processing_time(call, next->time_ms);
}

struct tr_trigger tr_trigger_continuous_processing_time(int64_t interval_ms)
{
	return TR_MAKE(tr_trigger, .parameter = interval_ms, .state_bytes = sizeof(struct next),
		       .on_row = continuous_processing_time_on_row,
		       .on_processing_time = continuous_processing_time_on_timer,
		       .on_merge = continuous_processing_time_on_merge, .clear = continuous_processing_time_clear);
}

bool tr_run_trigger_lacks_number(const struct tr_trigger *trigger)
{
	return trigger->parameter <= 0 &&
	       (trigger->on_row == count_on_row || trigger->on_row == continuous_event_time_on_row ||
		trigger->on_row == continuous_processing_time_on_row);
}

/* Evictors. */

static void evict_count(const struct tr_evictor *evictor, const struct tr_window *window, const struct tr_batch *rows,
			const int64_t *times_ms, bool *is_evicted)
{
	for (uint32_t i = 0; (int64_t)i < (int64_t)rows->selected_count - evictor->parameter; i++)
		is_evicted[tr_batch_row(rows, i)] = true;
}

struct tr_evictor tr_evictor_count(int64_t count)
{
	return TR_MAKE(tr_evictor, .parameter = count, .before = evict_count);
}

static void evict_time(const struct tr_evictor *evictor, const struct tr_window *window, const struct tr_batch *rows,
		       const int64_t *times_ms, bool *is_evicted)
{
	int64_t last_ms = INT64_MIN;

	for (uint32_t i = 0; i < rows->selected_count; i++)
		last_ms = TR_MAX(last_ms, times_ms[tr_batch_row(rows, i)]);
	for (uint32_t i = 0; i < rows->selected_count && last_ms != TR_WATERMARK_MIN; i++) {
		const uint32_t row = tr_batch_row(rows, i);

		is_evicted[row] = times_ms[row] <= last_ms - evictor->parameter;
	}
}

struct tr_evictor tr_evictor_time(int64_t keep_ms)
{
	return TR_MAKE(tr_evictor, .parameter = keep_ms, .before = evict_time);
}

static void evict_delta(const struct tr_evictor *evictor, const struct tr_window *window, const struct tr_batch *rows,
			const int64_t *times_ms, bool *is_evicted)
{
	const uint32_t n = rows->selected_count;
	const struct tr_row last = {rows, n > 0 ? tr_batch_row(rows, n - 1) : 0};

	for (uint32_t i = 0; i < n; i++) {
		const struct tr_row row = {rows, tr_batch_row(rows, i)};

		is_evicted[row.row] = evictor->delta(evictor->user, &row, &last) >= evictor->threshold;
	}
}

struct tr_evictor tr_evictor_delta(double threshold,
				   double (*delta)(void *user, const struct tr_row *row, const struct tr_row *last),
				   void *user)
{
	return TR_MAKE(tr_evictor, .user = user, .threshold = threshold, .delta = delta, .before = evict_delta);
}
