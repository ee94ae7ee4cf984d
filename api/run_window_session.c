/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions: windows of a key that touch become one. See run_window.h.
 *
 *     sessions of a key     | start end id alarm | .. that do not touch one another; the id is the namespace of the contents
 *
 * A row is a session of its own, from its time to its gap's end. Those that it touches become one with it: the first one's contents stay
 * where they are, those of the others are merged into them. The trigger is told, and then cleared for what was before.
 *
 * With their own trigger sessions need no timer that moves with each row: each has an alarm, which comes when the session would have ended
 * before it grew, and is set anew then.
 */
#include <stdlib.h>

#include "api/run_window.h"
#include "base/check.h"

static void read_sessions(struct tr_run_windows *w, const struct tr_table_key *key)
{
	struct tr_table_value *value = &w->session_value;

	(void)tr_table_modify(w->sessions, key, 1, value);
	w->session_count = value->bytes != NULL ? value->length / (uint32_t)sizeof(struct tr_run_session) : 0;
	if (w->session_count + 1 > w->session_room) {
		w->session_room = TR_MAX(16u, 2 * w->session_count);
		w->session_list = tr_checked(realloc(w->session_list, w->session_room * sizeof(*w->session_list)));
	}
	if (w->session_count > 0)
		memcpy(w->session_list, value->bytes, w->session_count * sizeof(*w->session_list));
}

/** Those of the key that was read last. */
static void write_sessions(struct tr_run_windows *w, const struct tr_table_key *key)
{
	const uint32_t bytes = w->session_count * (uint32_t)sizeof(*w->session_list);

	if (w->session_count == 0)
		(void)tr_table_erase(w->sessions, key, 1);
	else if (w->session_value.bytes != NULL && w->session_value.length == bytes)
		memcpy(w->session_value.bytes, w->session_list, bytes);
	else
		(void)tr_table_put(w->sessions, key, w->session_list, bytes);
}

static bool are_equal(const struct tr_window *a, const struct tr_window *b)
{
	return a->start_ms == b->start_ms && a->end_ms == b->end_ms;
}

static bool do_touch(const struct tr_window *a, const struct tr_window *b)
{
	return a->start_ms <= b->end_ms && b->start_ms <= a->end_ms;
}

static uint64_t new_id(const struct tr_run_windows *w)
{
	uint64_t id = 0;

	for (uint32_t i = 0; i < w->session_count; i++)
		id = TR_MAX(id, w->session_list[i].id + 1);
	return id;
}

bool tr_run_session_find(struct tr_run_windows *w, const struct tr_table_key *key, const struct tr_window *window,
			 struct tr_run_place *place)
{
	read_sessions(w, key);
	for (uint32_t i = 0; i < w->session_count; i++) {
		if (!are_equal(&w->session_list[i].window, window))
			continue;
		tr_run_place_set_session(place, key, &w->session_list[i]);
		return true;
	}
	return false;
}

void tr_run_session_end(struct tr_run_windows *w, const struct tr_table_key *key, const struct tr_window *window)
{
	uint32_t kept = 0;

	read_sessions(w, key);
	for (uint32_t i = 0; i < w->session_count; i++)
		if (!are_equal(&w->session_list[i].window, window))
			w->session_list[kept++] = w->session_list[i];
	w->session_count = kept;
	write_sessions(w, key);
}

/* Merging. */

/** The trigger's states of `count` sessions become that of the session that they are now. */
static void merge_trigger(struct tr_run_windows *w, const struct tr_table_key *key, const struct tr_run_session *merged,
			  uint32_t count, const struct tr_run_session *result, void *state)
{
	const struct tr_trigger *trigger = &w->plan->trigger;
	const uint32_t room = (trigger->state_bytes + 7) & ~7u;
	char *copies = tr_checked(calloc(count, room + 8));
	const void **states = tr_checked(calloc(count, sizeof(*states)));
	struct tr_run_trigger_call call;

	for (uint32_t i = 0; i < count; i++) {
		struct tr_run_place place;
		const struct tr_run_entry *entry;

		tr_run_place_set_session(&place, key, &merged[i]);
		entry = tr_run_window_entry(w, &place);
		if (entry != NULL)
			memcpy(copies + i * room, entry->trigger_state, trigger->state_bytes);
		states[i] = copies + i * room;
	}
	memset(state, 0, trigger->state_bytes);
	tr_run_trigger_call_init(&call, w, key, &result->window, state);
	trigger->on_merge(&call.call, states, count);
	for (uint32_t i = 0; i < count; i++) {
		const int64_t cleanup_ms = tr_run_window_cleanup(w->plan, &merged[i].window);

		tr_run_trigger_call_init(&call, w, key, &merged[i].window, copies + i * room);
		if (trigger->clear != NULL)
			trigger->clear(&call.call);
		if (w->plan->is_event_time)
			tr_trigger_delete_event_time(&call.call, cleanup_ms);
		else
			tr_trigger_delete_processing_time(&call.call, cleanup_ms);
	}
	free(copies);
	free(states);
}

/** The sessions at the end of the list, from `first` on, become `result`, which is one of them by its id. */
static tr_code merge(struct tr_run_windows *w, const struct tr_table_key *key, uint32_t first,
		     const struct tr_run_session *result)
{
	const uint32_t count = w->session_count - first,
		       states = w->plan->contents_at - (uint32_t)sizeof(struct tr_run_entry);
	struct tr_run_place into, from;
	struct tr_run_entry *entry;

	TR_ASSERT(states <= TR_RUN_WINDOW_STATE_MAX);
	if (!w->plan->has_alarms)
		merge_trigger(w, key, &w->session_list[first], count, result, w->zeros);
	tr_run_place_set_session(&into, key, result);
	for (uint32_t i = first; i < w->session_count; i++) {
		if (w->session_list[i].id == result->id)
			continue;
		tr_run_place_set_session(&from, key, &w->session_list[i]);
		TR_TRY(tr_run_contents_merge(w, &into, &from));
	}
	if (w->plan->trigger.state_bytes == 0)
		return TR_OK;
	entry = tr_run_window_entry(w, &into);
	if (entry == NULL) {
		struct tr_table_value value = {NULL, w->plan->entry_bytes};

		(void)tr_table_upsert(w->entries, &into.entry, 1, &value, NULL);
		entry = value.bytes;
	}
	memcpy(entry->trigger_state, w->zeros, w->plan->trigger.state_bytes);
	return TR_OK;
}

/** The session that a window becomes a part of is put last in the list, in place of those that it touches. */
static tr_code add_session(struct tr_run_windows *w, const struct tr_table_key *key, const struct tr_window *window,
			   bool *is_changed)
{
	struct tr_run_session result = {*window, new_id(w), INT64_MAX};
	uint32_t kept = 0, touched = 0;
	struct tr_run_session *list = w->session_list;

	/* Those that it touches go to the end; the first of them gives its id. */
	for (uint32_t i = 0; i < w->session_count; i++) {
		const struct tr_run_session session = list[i];

		if (!do_touch(&session.window, window)) {
			memmove(&list[kept + 1], &list[kept], touched * sizeof(*list));
			list[kept++] = session;
			continue;
		}
		if (touched++ == 0) {
			result.id = session.id;
			result.alarm_ms = session.alarm_ms;
		}
		result.window.start_ms = TR_MIN(result.window.start_ms, session.window.start_ms);
		result.window.end_ms = TR_MAX(result.window.end_ms, session.window.end_ms);
	}
	*is_changed = touched != 1 || !are_equal(&result.window, &list[kept].window);
	if (touched > 0 && *is_changed)
		TR_TRY(merge(w, key, kept, &result));
	list[kept] = result;
	w->session_count = kept + 1;
	return TR_OK;
}

/* Alarms. */

/** When something is to happen next after `time_ms`: the session fires, then it goes. */
static int64_t next_due(const struct tr_run_window *plan, const struct tr_window *window, int64_t time_ms)
{
	return tr_window_last(window) > time_ms ? tr_window_last(window) : tr_run_window_cleanup(plan, window);
}

/** Sees to it that the session has a timer by then. */
static void set_alarm(struct tr_run_windows *w, const struct tr_table_key *key, struct tr_run_session *session,
		      int64_t due_ms)
{
	struct tr_run_place place;

	if (session->alarm_ms <= due_ms)
		return;
	session->alarm_ms = due_ms;
	if (due_ms == INT64_MAX)
		return;
	tr_run_place_set_session(&place, key, session);
	tr_timer_state_add(&w->context->timers[w->plan->is_event_time ? TR_RUN_EVENT_TIME : TR_RUN_PROCESSING_TIME],
			   due_ms, &place.entry);
}

/** The timer may be one of a session that has become a part of another, or has grown since: then it is only a moment to look. */
tr_code tr_run_session_alarm(struct tr_run_windows *w, const struct tr_table_key *timer_key, int64_t time_ms)
{
	const enum tr_trigger_result fire = w->plan->trigger.is_purging ? TR_TRIGGER_FIRE_AND_PURGE : TR_TRIGGER_FIRE;
	struct tr_table_key *key = &w->context->keys.timer_key.bytes;
	struct tr_run_session *session = NULL;
	struct tr_window window;
	uint64_t id;

	key->length = timer_key->length - TR_RUN_WINDOW_BYTES;
	memcpy(&id, (const char *)key->bytes + key->length, sizeof(id));
	read_sessions(w, key);
	for (uint32_t i = 0; i < w->session_count && session == NULL; i++)
		if (w->session_list[i].id == id)
			session = &w->session_list[i];
	if (session == NULL)
		return TR_OK;
	window = session->window;
	tr_run_place_set_session(&w->place, key, session);
	if (time_ms < tr_run_window_cleanup(w->plan, &window)) {
		if (session->alarm_ms <= time_ms)
			session->alarm_ms = INT64_MAX;
		set_alarm(w, key, session, next_due(w->plan, &window, time_ms));
		write_sessions(w, key);
	}
	if (time_ms == tr_window_last(&window))
		TR_TRY(tr_run_window_act(w, &w->place, fire));
	if (time_ms < tr_run_window_cleanup(w->plan, &window))
		return TR_OK;
	tr_run_session_end(w, key, &window);
	return tr_run_window_end(w, &w->place);
}

/* Rows. */

tr_code tr_run_session_take_row(struct tr_run_windows *w, const struct tr_row *row, int64_t time_ms)
{
	const struct tr_windows *windows = &w->plan->windows;
	const struct tr_table_key *key = &w->context->key->bytes;
	const int64_t gap = windows->gap != NULL ? windows->gap(windows->user, row) : windows->size_ms;
	struct tr_window window = {time_ms, 0};
	bool is_changed;
	int64_t late_ms;

	if (gap <= 0)
		TR_FAIL(w->st, TR_ERR_DATA, "a session's gap of %lld ms is not more than 0", (long long)gap);
	if (__builtin_add_overflow(time_ms, gap, &window.end_ms))
		window.end_ms = INT64_MAX;
	read_sessions(w, key);
	TR_TRY(add_session(w, key, &window, &is_changed));
	if (tr_run_window_is_late(w, &w->session_list[w->session_count - 1].window)) {
		/* It has touched none: those that there are end later. */
		if (!__builtin_add_overflow(time_ms, w->plan->lateness_ms, &late_ms) &&
		    late_ms <= w->context->watermark_ms)
			tr_run_window_late_row(w, row);
		return TR_OK;
	}
	if (is_changed && w->plan->has_alarms)
		set_alarm(w, key, &w->session_list[w->session_count - 1],
			  next_due(w->plan, &w->session_list[w->session_count - 1].window,
				   w->plan->is_event_time ? w->context->watermark_ms
							  : tr_context_processing_time(w->context) - 1));
	if (is_changed)
		write_sessions(w, key);
	tr_run_place_set_session(&w->place, key, &w->session_list[w->session_count - 1]);
	return tr_run_window_add(w, &w->place, row, is_changed);
}
