/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_window.h: rows, timers, and what a trigger's answer leads to.
 */
#include "api/run_window.h"

#include <stdlib.h>

#include "base/check.h"
#include "tailrace/state.h"

static const struct tr_run_window *plan_of(const struct tr_context *context)
{
	return (const struct tr_run_window *)context->plan;
}

/* Places. */

static void set_key(struct tr_run_place *place, const struct tr_table_key *key)
{
	memcpy(place->bytes, key->bytes, key->length);
	place->entry = (struct tr_table_key){place->bytes, key->length + TR_RUN_WINDOW_BYTES, key->partition};
}

void tr_run_place_set(struct tr_run_place *place, const struct tr_table_key *key, const struct tr_window *window)
{
	set_key(place, key);
	place->window = *window;
	memcpy(place->bytes + key->length, window, TR_RUN_WINDOW_BYTES);
}

void tr_run_place_set_session(struct tr_run_place *place, const struct tr_table_key *key,
			      const struct tr_run_session *session)
{
	const uint64_t id[2] = {session->id, 0};

	set_key(place, key);
	place->window = session->window;
	memcpy(place->bytes + key->length, id, TR_RUN_WINDOW_BYTES);
}

struct tr_run_entry *tr_run_window_entry(struct tr_run_windows *w, const struct tr_run_place *place)
{
	struct tr_run_entry *entry = NULL;
	struct tr_table_value value;
	bool is_new;

	if (w->slots != NULL)
		entry = tr_run_slot_entry(w, place, false, &is_new);
	if (entry != NULL)
		return entry;
	(void)tr_table_modify(w->entries, &place->entry, 1, &value);
	return value.bytes;
}

/* Triggers. */

enum asked { ASK_ROW, ASK_EVENT_TIME, ASK_PROCESSING_TIME };

static enum tr_trigger_result ask_callback(struct tr_run_windows *w, struct tr_trigger_call *call, enum asked what,
					   const struct tr_row *row, int64_t time_ms)
{
	const struct tr_trigger *trigger = &w->plan->trigger;
	enum tr_trigger_result (*timer)(struct tr_trigger_call *, int64_t) =
		what == ASK_EVENT_TIME ? trigger->on_event_time : trigger->on_processing_time;
	enum tr_trigger_result result = TR_TRIGGER_CONTINUE;

	if (what == ASK_ROW)
		result = trigger->on_row(call, row);
	else if (timer != NULL)
		result = timer(call, time_ms);
	if (trigger->is_purging && (result & TR_TRIGGER_FIRE) != 0)
		result = TR_TRIGGER_FIRE_AND_PURGE;
	return result;
}

/** `entry` may be NULL: its state is zeros, and it is made if the trigger leaves something else there. */
static enum tr_trigger_result ask(struct tr_run_windows *w, struct tr_run_place *place, struct tr_run_entry *entry,
				  enum asked what, const struct tr_row *row, int64_t time_ms)
{
	const uint32_t bytes = w->plan->trigger.state_bytes;
	struct tr_run_trigger_call call;
	enum tr_trigger_result result;

	if (entry == NULL)
		memset(w->zeros, 0, bytes);
	tr_run_trigger_call_init(&call, w, &w->context->key->bytes, &place->window,
				 entry != NULL ? (void *)entry->trigger_state : w->zeros);
	result = ask_callback(w, &call.call, what, row, time_ms);
	for (uint32_t i = 0; entry == NULL && i < bytes; i++) {
		struct tr_table_value value = {NULL, w->plan->entry_bytes};

		if (((const char *)w->zeros)[i] == 0)
			continue;
		(void)tr_table_upsert(w->entries, &place->entry, 1, &value, NULL);
		entry = value.bytes;
		memcpy(entry->trigger_state, w->zeros, bytes);
	}
	return result;
}

tr_code tr_run_window_act(struct tr_run_windows *w, struct tr_run_place *place, enum tr_trigger_result result)
{
	if ((result & TR_TRIGGER_FIRE) != 0)
		TR_TRY(tr_run_contents_emit(w, place));
	if ((result & TR_TRIGGER_PURGE) != 0)
		tr_run_contents_purge(w, place);
	return TR_OK;
}

tr_code tr_run_window_end(struct tr_run_windows *w, struct tr_run_place *place)
{
	const struct tr_run_window *plan = w->plan;
	struct tr_run_entry *entry = tr_run_window_entry(w, place);
	tr_code code = TR_OK;

	memset(w->zeros, 0, TR_RUN_WINDOW_STATE_MAX);
	if (!plan->is_grouped && !plan->has_alarms && plan->trigger.clear != NULL) {
		struct tr_run_trigger_call call;

		tr_run_trigger_call_init(&call, w, &w->context->key->bytes, &place->window,
					 entry != NULL ? (void *)entry->trigger_state : w->zeros);
		plan->trigger.clear(&call.call);
	}
	if (plan->function.clear != NULL) {
		memset(w->zeros, 0, TR_RUN_WINDOW_STATE_MAX);
		w->window_state = entry != NULL ? (char *)entry + plan->state_at : (char *)w->zeros;
		code = plan->function.clear(w->context, &place->window, w->st);
		w->window_state = NULL;
	}
	tr_run_contents_drop(w, place);
	return code;
}

/* Rows. */

void tr_run_window_late_row(struct tr_run_windows *w, const struct tr_row *row)
{
	if (w->late != NULL)
		tr_collector_add_row(w->late, row);
	else
		w->out->op->metrics.rows_late++;
}

/** The timer at which all of the window goes; of the global one there is none. */
static void set_cleanup(struct tr_run_windows *w, const struct tr_run_place *place)
{
	const int64_t time_ms = tr_run_window_cleanup(w->plan, &place->window);
	struct tr_run_trigger_call call;

	if (time_ms == INT64_MAX)
		return;
	tr_run_trigger_call_init(&call, w, &w->context->key->bytes, &place->window, NULL);
	if (w->plan->is_event_time)
		tr_trigger_set_event_time(&call.call, time_ms);
	else
		tr_trigger_set_processing_time(&call.call, time_ms);
}

tr_code tr_run_window_add(struct tr_run_windows *w, struct tr_run_place *place, const struct tr_row *row,
			  bool is_changed)
{
	enum tr_trigger_result result = TR_TRIGGER_CONTINUE;
	struct tr_run_entry *entry;
	bool is_new;

	TR_TRY(tr_run_contents_add(w, place, row, &entry, &is_new));
	if (w->plan->is_grouped || w->plan->has_alarms) {
		if (w->plan->is_grouped && is_new)
			tr_run_window_groups_add(w, &w->context->key->bytes, &place->window);
		if (w->plan->is_event_time && tr_window_last(&place->window) <= w->context->watermark_ms)
			result = w->plan->trigger.is_purging ? TR_TRIGGER_FIRE_AND_PURGE : TR_TRIGGER_FIRE;
	} else {
		result = ask(w, place, entry, ASK_ROW, row, 0);
		if (is_new || is_changed)
			set_cleanup(w, place);
	}
	return tr_run_window_act(w, place, result);
}

/** To one window; *is_taken: it was not late. */
static tr_code take_to(struct tr_run_windows *w, const struct tr_row *row, const struct tr_window *window,
		       bool *is_taken)
{
	if (tr_run_window_is_late(w, window))
		return TR_OK;
	*is_taken = true;
	tr_run_place_set(&w->place, &w->context->key->bytes, window);
	return tr_run_window_add(w, &w->place, row, false);
}

static tr_code take_custom(struct tr_run_windows *w, const struct tr_row *row, int64_t time_ms, bool *is_taken)
{
	struct tr_window windows[TR_WINDOWS_OF_ROW_MAX];
	const uint32_t count = w->plan->windows.assign(w->plan->windows.user, row, time_ms, windows);

	if (count > TR_WINDOWS_OF_ROW_MAX)
		TR_FAIL(w->st, TR_ERR_USAGE, "a row was put into %u windows; %d are the most", count,
			TR_WINDOWS_OF_ROW_MAX);
	for (uint32_t i = 0; i < count; i++) {
		if (windows[i].start_ms >= windows[i].end_ms)
			TR_FAIL(w->st, TR_ERR_USAGE, "a row was put into a window that ends before it begins");
		TR_TRY(take_to(w, row, &windows[i], is_taken));
	}
	return TR_OK;
}

tr_code tr_run_window_take_row(struct tr_run_windows *w, const struct tr_row *row, int64_t time_ms)
{
	const struct tr_windows *windows = &w->plan->windows;
	struct tr_window window = {INT64_MIN, INT64_MAX};
	bool is_taken = false;
	int64_t late_ms;

	switch (windows->kind) {
	case TR_WINDOWS_TUMBLING:
	case TR_WINDOWS_SLIDING:
		window.start_ms = tr_run_window_start(time_ms, windows->offset_ms, windows->slide_ms);
		for (; window.start_ms > time_ms - windows->size_ms; window.start_ms -= windows->slide_ms) {
			window.end_ms = window.start_ms + windows->size_ms;
			TR_TRY(take_to(w, row, &window, &is_taken));
		}
		break;
	case TR_WINDOWS_CUSTOM: TR_TRY(take_custom(w, row, time_ms, &is_taken)); break;
	default: TR_TRY(take_to(w, row, &window, &is_taken)); break;
	}
	if (!is_taken && w->plan->is_event_time && !__builtin_add_overflow(time_ms, w->plan->lateness_ms, &late_ms) &&
	    late_ms <= w->context->row_watermark_ms)
		tr_run_window_late_row(w, row);
	return TR_OK;
}

/** The current row's time: of the clock, or its own. */
static tr_code time_of(const struct tr_run_windows *w, int64_t *time_ms)
{
	const struct tr_run_window *plan = w->plan;

	*time_ms = 0;
	if (plan->windows.kind == TR_WINDOWS_GLOBAL)
		return TR_OK;
	*time_ms = plan->is_event_time ? tr_context_timestamp(w->context) : tr_context_processing_time(w->context);
	if (*time_ms == TR_WATERMARK_MIN)
		TR_FAIL(w->st, TR_ERR_DATA,
			"the event time of a row is NULL; leave such rows out, or give them a value");
	return TR_OK;
}

/** Fetches to the cache what rows that go one by one will look at: sessions of the keys and their first contents, or the global window's. */
static void fetch(struct tr_run_windows *w)
{
	const struct tr_run_keys *keys = &w->context->keys;
	const uint64_t suffix[2] = {w->plan->is_merging ? 0 : (uint64_t)INT64_MIN,
				    w->plan->is_merging ? 0 : (uint64_t)INT64_MAX};
	size_t at = 0;

	if (!w->plan->is_merging && w->plan->windows.kind != TR_WINDOWS_GLOBAL)
		return;
	if (keys->count > w->room) {
		w->room = TR_MAX(keys->count, 2 * w->room);
		w->keys = tr_checked(realloc(w->keys, w->room * sizeof(*w->keys)));
		w->values = tr_checked(realloc(w->values, w->room * sizeof(*w->values)));
	}
	if (w->plan->is_merging)
		(void)tr_table_find(w->sessions, keys->keys, keys->count, w->values);
	tr_bytes_clear(&w->scratch);
	for (uint32_t i = 0; i < keys->count; i++) {
		tr_bytes_append(&w->scratch, keys->keys[i].bytes, keys->keys[i].length);
		tr_bytes_append(&w->scratch, (const char *)suffix, sizeof(suffix));
	}
	for (uint32_t i = 0; i < keys->count; i++) {
		w->keys[i] = keys->keys[i];
		w->keys[i].bytes = w->scratch.data + at;
		w->keys[i].length += TR_RUN_WINDOW_BYTES;
		at += w->keys[i].length;
	}
	(void)tr_table_find(w->entries, w->keys, keys->count, w->values);
}

static tr_code on_batch(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			struct tr_status *st)
{
	struct tr_run_windows *w = context->windows;
	const struct tr_run_window *plan = w->plan;

	w->out = out;
	w->st = st;
	if (!context->keys.is_integer)
		for (uint32_t i = 0; i < batch->selected_count; i++)
			if (context->keys.keys[i].length > TR_RUN_WINDOW_KEY_MAX)
				TR_FAIL(st, TR_ERR_DATA, "a key has %u bytes; %d are the most",
					context->keys.keys[i].length, TR_RUN_WINDOW_KEY_MAX);
	if (plan->is_grouped && plan->contents == TR_RUN_ACCUMULATOR)
		return tr_run_window_groups_take(w, batch);
	fetch(w);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};
		int64_t time_ms;

		tr_run_choose(context, i);
		TR_TRY(time_of(w, &time_ms));
		TR_TRY((plan->is_merging ? tr_run_session_take_row : tr_run_window_take_row)(w, &row, time_ms));
	}
	return TR_OK;
}

/* Timers. */

static tr_code on_timer(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			struct tr_status *st)
{
	struct tr_run_windows *w = context->windows;
	const struct tr_run_window *plan = w->plan;
	struct tr_table_key *key = &context->keys.timer_key.bytes;
	struct tr_window window;
	struct tr_run_entry *entry;

	w->out = out;
	w->st = st;
	TR_ASSERT(key->length >= TR_RUN_WINDOW_BYTES);
	if (plan->is_grouped)
		return tr_run_window_groups_fire(w, key->bytes, timer->time_ms);
	if (plan->has_alarms)
		return tr_run_session_alarm(w, key, timer->time_ms);
	key->length -= TR_RUN_WINDOW_BYTES;
	memcpy(&window, (const char *)key->bytes + key->length, sizeof(window));
	if (!plan->is_merging)
		tr_run_place_set(&w->place, key, &window);
	else if (!tr_run_session_find(w, key, &window, &w->place))
		return TR_OK; /* it has become another one */
	entry = tr_run_window_entry(w, &w->place);
	TR_TRY(tr_run_window_act(w, &w->place,
				 ask(w, &w->place, entry,
				     timer->is_processing_time ? ASK_PROCESSING_TIME : ASK_EVENT_TIME, NULL,
				     timer->time_ms)));
	if (timer->is_processing_time == plan->is_event_time || timer->time_ms != tr_run_window_cleanup(plan, &window))
		return TR_OK;
	if (plan->is_merging)
		tr_run_session_end(w, key, &window);
	return tr_run_window_end(w, &w->place);
}

/* Opening and closing. */

static struct tr_table *declare(struct tr_context *context, const char *name, uint32_t value_bytes)
{
	const struct tr_state_descriptor d = TR_MAKE(tr_state_descriptor, .name = name, .value_bytes = value_bytes,
						     .version = plan_of(context)->function.version);

	return tr_run_state_create(context, &d, TR_RUN_VALUE, sizeof(struct tr_value_state))->table;
}

static tr_code open(struct tr_context *context, struct tr_status *st)
{
	const struct tr_run_window *plan = plan_of(context);
	struct tr_run_windows *w = tr_checked(calloc(1, sizeof(*w)));

	context->windows = w;
	w->context = context;
	w->plan = plan;
	w->zeros = tr_checked(calloc(1, TR_RUN_WINDOW_STATE_MAX));
	w->entries = declare(context, "window.entries", 0);
	if (tr_run_slot_bytes(w) > 0)
		w->slots = declare(context, "window.slots", tr_run_slot_bytes(w));
	if (plan->contents == TR_RUN_ALL_ROWS)
		w->rows = declare(context, "window.rows", 0);
	if (plan->is_merging)
		w->sessions = declare(context, "window.sessions", 0);
	if (plan->function.reduce != NULL)
		tr_run_fold_init(&w->fold, context->inputs[0], &plan->f.inputs[0].keys, plan->function.reduce,
				 plan->function.user, plan->f.name);
	if (plan->function.accumulator_bytes > 0)
		w->accumulator = tr_checked(calloc(1, plan->function.accumulator_bytes));
	if (plan->late_tag != NULL)
		w->late = tr_context_side_output(context, plan->late_tag);
	if (plan->is_grouped)
		w->groups = tr_run_window_groups_create(w);
	return plan->function.open != NULL ? plan->function.open(context, st) : TR_OK;
}

static void close(struct tr_context *context)
{
	struct tr_run_windows *w = context->windows;

	if (w == NULL)
		return;
	if (w->plan->function.close != NULL)
		w->plan->function.close(context);
	if (w->plan->function.reduce != NULL)
		tr_run_fold_deinit(&w->fold);
	tr_run_window_groups_destroy(&w->groups);
	for (uint32_t i = 0; i < TR_RUN_INPUTS_MAX; i++) {
		tr_batch_buffer_destroy(&w->sides[i].batch);
		free(w->sides[i].times);
		free(w->sides[i].places);
		free(w->sides[i].is_evicted);
	}
	tr_bytes_deinit(&w->scratch);
	free(w->kept);
	free(w->accumulator);
	free(w->session_list);
	free(w->keys);
	free(w->values);
	free(w->zeros);
	free(w);
	context->windows = NULL;
}

const struct tr_function tr_run_window_callbacks = {
	.struct_size = sizeof(struct tr_function),
	.open = open,
	.on_batch = on_batch,
	.on_timer = on_timer,
	.close = close,
};

void *tr_context_window_state(struct tr_context *context)
{
	tr_run_check_context(context);
	return context->windows != NULL ? context->windows->window_state : NULL;
}
