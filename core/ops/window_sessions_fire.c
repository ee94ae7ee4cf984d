/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions that have ended leave the table; see window_sessions.h.
 *
 *     due ──▶ up to KEYS_MAX keys, the last of them with the end L ──▶ found, all at once           may answer BLOCKED
 *         ──▶ their sessions that end at or before L, copied, in the order of their ends ──▶ results, a batch at a time
 *         ──▶ what is left of a key goes back, and into `due`
 *
 * All that is still in `due` ends at L or later, so the order is that of all ends.
 */
#include <stdlib.h>

#include "core/ops/window_sessions_inner.h"

#define KEYS_MAX 2048

static void entries_release(struct tr_window_sessions *s)
{
	struct tr_sessions_fire *f = &s->fire;

	for (uint32_t i = 0; s->w->layout.owns_memory && i < f->count; i++) {
		char *entry = f->memory + (size_t)i * s->w->layout.stride;

		tr_agg_layout_release(&s->w->layout, &entry, 1);
	}
	f->count = f->at = 0;
}

void tr_sessions_fire_init(struct tr_window_sessions *s)
{
	struct tr_sessions_fire *f = &s->fire;

	f->values = tr_checked(malloc(KEYS_MAX * sizeof(*f->values)));
	f->changed_keys = tr_checked(malloc(KEYS_MAX * sizeof(*f->changed_keys)));
	f->changed_values = tr_checked(malloc(KEYS_MAX * sizeof(*f->changed_values)));
	f->gone = tr_checked(malloc(KEYS_MAX * sizeof(*f->gone)));
	f->entries = tr_checked(malloc(s->w->out->capacity * sizeof(*f->entries)));
}

void tr_sessions_fire_deinit(struct tr_window_sessions *s)
{
	struct tr_sessions_fire *f = &s->fire;

	entries_release(s);
	tr_window_taken_deinit(&f->taken);
	free(f->values);
	free(f->changed_keys);
	free(f->changed_values);
	free(f->gone);
	free(f->entries);
	free(f->fired);
	free(f->from);
	free(f->memory);
	tr_bytes_deinit(&f->rest);
}

static bool is_next_due(const struct tr_window_sessions *s, int64_t fire_ms)
{
	const int64_t end = tr_window_due_next(&s->due);

	return end != INT64_MAX && tr_window_timer(&s->w->clock, end) <= fire_ms;
}

/** Keys that may have a session to fire. BLOCKED: call it again. */
static enum tr_flow take_due(struct tr_window_sessions *s, int64_t fire_ms)
{
	struct tr_window_taken *taken = &s->fire.taken;

	while (taken->count < KEYS_MAX && is_next_due(s, fire_ms)) {
		const enum tr_flow flow = tr_window_due_settle(&s->due, &s->w->op.context->status);

		if (flow != TR_FLOW_MORE)
			return flow;
		if (is_next_due(s, fire_ms))
			tr_window_due_take(&s->due, taken);
	}
	tr_window_taken_show(taken);
	return TR_FLOW_MORE;
}

static void fired_add(struct tr_sessions_fire *f, int64_t start, int64_t end, uint32_t key, const char *from)
{
	if (f->count == f->room) {
		f->room = TR_MAX(f->room * 2, 256u);
		f->fired = tr_checked(realloc(f->fired, f->room * sizeof(*f->fired)));
		f->from = tr_checked(realloc(f->from, f->room * sizeof(*f->from)));
	}
	f->from[f->count] = from;
	f->fired[f->count] = (struct tr_session_fired){start, end, key, f->count};
	f->count++;
}

/** What of a key fires, and what is left of it. */
static void look_at(struct tr_window_sessions *s, uint32_t k, int64_t until)
{
	struct tr_sessions_fire *f = &s->fire;
	char *value = f->values[k].bytes;
	const char *at = value + TR_SESSION_DUE_BYTES, *value_end = value + f->values[k].length, *next = at;
	const uint32_t before = f->count;
	int64_t start, end = 0, due;

	for (; at < value_end; at = next) {
		const char *entry;
		uint32_t entry_bytes;

		next = tr_session_read(s, at, &start, &end, &entry, &entry_bytes);
		if (end > until)
			break;
		fired_add(f, start, end, k, entry);
	}
	if (at == value_end) {
		due = INT64_MIN; /* the key may have been taken twice */
		memcpy(value, &due, 8);
		f->gone[f->gone_count++] = f->taken.keys[k];
		return;
	}
	tr_window_due_push(&s->due, end, &f->taken.keys[k]);
	memcpy(value, &end, 8);
	if (f->count == before)
		return;
	f->changed_keys[f->changed_count] = f->taken.keys[k];
	f->changed_values[f->changed_count++].length = (uint32_t)(TR_SESSION_DUE_BYTES + (value_end - at));
	tr_bytes_append(&f->rest, value, TR_SESSION_DUE_BYTES);
	tr_bytes_append(&f->rest, at, (size_t)(value_end - at));
}

/** Copies of the entries that fire. */
static void copy_entries(struct tr_window_sessions *s)
{
	struct tr_sessions_fire *f = &s->fire;
	const size_t stride = s->w->layout.stride;

	if (f->count == 0)
		return;
	if (f->count > f->entry_room) {
		f->entry_room = TR_MAX(f->count, f->entry_room * 2);
		free(f->memory);
		f->memory = tr_checked(malloc(f->entry_room * stride));
	}
	if (!s->w->layout.owns_memory) {
		for (uint32_t i = 0; i < f->count; i++)
			memcpy(f->memory + i * stride, f->from[i], s->w->layout.bytes);
		return;
	}
	memset(f->memory, 0, f->count * stride);
	for (uint32_t first = 0; first < f->count;) {
		const uint32_t n = TR_MIN(f->count - first, s->w->out->capacity);

		for (uint32_t i = 0; i < n; i++)
			f->entries[i] = f->memory + (first + i) * stride;
		tr_window_codec_read(&s->codec, f->from + first, n, f->entries);
		first += n;
	}
}

static void store_rest(struct tr_window_sessions *s)
{
	struct tr_sessions_fire *f = &s->fire;
	const char *from = f->rest.data;

	if (f->changed_count > 0)
		(void)tr_table_upsert(s->table, f->changed_keys, f->changed_count, f->changed_values, NULL);
	for (uint32_t i = 0; i < f->changed_count; from += f->changed_values[i++].length)
		memcpy(f->changed_values[i].bytes, from, f->changed_values[i].length);
	if (f->gone_count > 0)
		(void)tr_table_erase(s->table, f->gone, f->gone_count);
}

static int compare_fired(const void *a, const void *b)
{
	const struct tr_session_fired *x = a, *y = b;

	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

/** The keys have been found. */
static void collect(struct tr_window_sessions *s)
{
	struct tr_sessions_fire *f = &s->fire;
	int64_t until = INT64_MIN;
	bool is_sorted = true;

	for (uint32_t k = 0; k < f->taken.count; k++)
		until = TR_MAX(until, f->taken.ends[k]);
	f->changed_count = f->gone_count = 0;
	tr_bytes_clear(&f->rest);
	for (uint32_t k = 0; k < f->taken.count; k++) {
		int64_t due;

		if (f->values[k].bytes == NULL)
			continue;
		memcpy(&due, f->values[k].bytes, 8);
		if (due == f->taken.ends[k])
			look_at(s, k, until);
	}
	copy_entries(s);
	tr_table_hold(s->table);
	store_rest(s);
	tr_table_release(s->table);
	for (uint32_t i = 1; i < f->count; i++)
		is_sorted &= f->fired[i - 1].end <= f->fired[i].end;
	if (!is_sorted)
		qsort(f->fired, f->count, sizeof(*f->fired), compare_fired);
}

enum tr_flow tr_window_sessions_fire(struct tr_window_sessions *s, int64_t fire_ms, uint32_t *count)
{
	struct tr_sessions_fire *f = &s->fire;
	struct tr_window_op *w = s->w;

	*count = 0;
	if (f->count > 0 && f->at == f->count) { /* all are out */
		entries_release(s);
		tr_window_taken_clear(&f->taken);
	}
	while (f->at == f->count) {
		enum tr_flow flow;

		if (!f->is_taken) {
			flow = take_due(s, fire_ms);
			if (flow != TR_FLOW_MORE || f->taken.count == 0)
				return flow;
		}
		f->is_taken = true;
		tr_sessions_share_memory(s);
		flow = tr_table_find(s->table, f->taken.keys, f->taken.count, f->values);
		if (flow != TR_FLOW_MORE)
			return tr_sessions_failed(s, flow);
		f->is_taken = false;
		collect(s);
		if (f->count == 0)
			tr_window_taken_clear(&f->taken);
	}
	for (; *count < w->out->capacity && f->at < f->count; f->at++, ++*count) {
		const struct tr_session_fired *fired = &f->fired[f->at];

		tr_window_key_read(f->taken.keys[fired->key].bytes, w->out->columns, w->plan->key_count, *count,
				   &w->out->heap);
		tr_window_op_write_times(w, *count, 1, fired->start, fired->end);
		f->entries[*count] = f->memory + (size_t)fired->entry * w->layout.stride;
	}
	tr_agg_layout_finish(&w->layout, f->entries, *count, w->out->columns + w->plan->key_count, 0, &w->out->heap);
	return TR_FLOW_MORE;
}
