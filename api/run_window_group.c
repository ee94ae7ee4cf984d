/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows that all keys share, with their own trigger: one timer for each window and key group instead of one for each key, and batches of
 * rows to accumulators with one look-up for all of them. See run_window.h.
 *
 *     timer     (time, | key group u32 | window |), in the partition of the group, so that it goes where the group goes
 *     fires     the entries of the group are looked through; those of the window are given to the function, and go if it ends
 *
 * Who makes an entry sees to it that there are timers; what was set last is remembered, for a few windows, as a bit for each group.
 */
#include <stdlib.h>

#include "api/run_window.h"
#include "base/check.h"
#include "base/hash.h"
#include "state/key_group.h"

#define REMEMBERED 16 /* windows */

struct remembered {
	struct tr_window window;
	bool is_used;
	uint64_t *bits; /* by group */
};

struct tr_run_window_groups {
	uint32_t count; /* of key groups */
	struct remembered windows[REMEMBERED];
	/* Of a batch: */
	uint32_t room;
	char *bytes; /* keys with their windows */
	size_t bytes_room;
	struct tr_table_key *keys;
	struct tr_table_value *values;
	bool *is_new;
	int64_t *times;  /* of each row */
	int64_t *starts; /* of its last window */
	uint32_t *rows, *added, *selection;
	int64_t *integers;
	void **found_slots;
	void **accumulators;
	/* Of a window that fires: */
	struct tr_bytes found;
	struct tr_table_key *found_keys;
	uint32_t found_count, found_room;
};

struct group_timer {
	struct tr_window window;
	uint32_t group;
};
#define GROUP_TIMER_BYTES (sizeof(struct tr_window) + sizeof(uint32_t))

struct tr_run_window_groups *tr_run_window_groups_create(const struct tr_run_windows *w)
{
	struct tr_run_window_groups *g = tr_checked(calloc(1, sizeof(*g)));

	g->count = w->context->op->key_groups != 0 ? w->context->op->key_groups : TR_KEY_GROUPS_DEFAULT;
	for (uint32_t i = 0; i < REMEMBERED; i++)
		g->windows[i].bits = tr_checked(calloc(TR_BITMAP_WORDS(g->count), sizeof(uint64_t)));
	return g;
}

void tr_run_window_groups_destroy(struct tr_run_window_groups **groups)
{
	struct tr_run_window_groups *g = *groups;

	*groups = NULL;
	if (g == NULL)
		return;
	for (uint32_t i = 0; i < REMEMBERED; i++)
		free(g->windows[i].bits);
	free(g->bytes);
	free(g->keys);
	free(g->values);
	free(g->is_new);
	free(g->times);
	free(g->starts);
	free(g->rows);
	free(g->added);
	free(g->selection);
	free(g->integers);
	free(g->found_slots);
	free(g->accumulators);
	free(g->found_keys);
	tr_bytes_deinit(&g->found);
	free(g);
}

/* Timers. */

static void set_timer(struct tr_run_windows *w, int64_t time_ms, const struct tr_window *window, uint32_t group)
{
	const struct group_timer timer = {*window, group};
	const uint64_t first = (((uint64_t)group << 32) + w->groups->count - 1) / w->groups->count;
	const struct tr_table_key key = {&timer, GROUP_TIMER_BYTES, (uint32_t)first};

	tr_timer_state_add(&w->context->timers[w->plan->is_event_time ? TR_RUN_EVENT_TIME : TR_RUN_PROCESSING_TIME],
			   time_ms, &key);
}

/** Whether the timers of a group and window have been set; from here on they have. */
static bool remember(struct tr_run_window_groups *g, const struct tr_window *window, int64_t step, uint32_t group)
{
	struct remembered *r = &g->windows[(uint64_t)(window->start_ms / step) % REMEMBERED];
	bool was_set;

	if (!r->is_used || r->window.start_ms != window->start_ms || r->window.end_ms != window->end_ms) {
		memset(r->bits, 0, TR_BITMAP_WORDS(g->count) * sizeof(uint64_t));
		r->window = *window;
		r->is_used = true;
	}
	was_set = tr_bit_get(r->bits, group);
	tr_bit_set(r->bits, group);
	return was_set;
}

void tr_run_window_groups_add(struct tr_run_windows *w, const struct tr_table_key *key, const struct tr_window *window)
{
	const struct tr_run_window *plan = w->plan;
	const uint32_t group = tr_key_group((uint64_t)key->partition << 32, w->groups->count);
	const int64_t last_ms = tr_window_last(window), cleanup_ms = tr_run_window_cleanup(plan, window);

	if (remember(w->groups, window, plan->windows.slide_ms, group))
		return;
	if (!plan->is_event_time || last_ms > w->context->watermark_ms)
		set_timer(w, last_ms, window, group);
	if (cleanup_ms != last_ms && cleanup_ms != INT64_MAX)
		set_timer(w, cleanup_ms, window, group);
}

/* Firing. */

struct firing {
	struct group_timer timer;
	bool fires;
	bool is_end;
	bool is_simple; /* nothing of an entry changes before it goes */
};

/** An entry of a table with int64 keys or byte keys, as the one at hand; false: it is of another window. */
static bool take_entry(struct tr_run_windows *w, const struct firing *f, struct tr_table_entry *found,
		       struct tr_run_entry **entry)
{
	struct tr_run_slot *slot = found->value.bytes;

	if (found->key.bytes == NULL) {
		if (!tr_run_slot_has(slot, f->timer.window.start_ms))
			return false;
		found->key = (struct tr_table_key){&found->integer, sizeof(found->integer),
						   (uint32_t)(tr_hash_u64((uint64_t)found->integer) >> 32)};
		*entry = &slot->entry;
		return true;
	}
	found->key.length -= TR_RUN_WINDOW_BYTES;
	*entry = found->value.bytes;
	return memcmp((const char *)found->key.bytes + found->key.length, &f->timer.window, TR_RUN_WINDOW_BYTES) == 0;
}

static void keep_key(struct tr_run_window_groups *g, const struct tr_table_key *key)
{
	if (g->found_count == g->found_room) {
		g->found_room = TR_MAX(1024u, 2 * g->found_room);
		g->found_keys = tr_checked(realloc(g->found_keys, g->found_room * sizeof(*g->found_keys)));
	}
	g->found_keys[g->found_count++] = *key;
	tr_bytes_append(&g->found, key->bytes, key->length);
}

static void use_key(struct tr_run_windows *w, const struct firing *f, const struct tr_table_key *key)
{
	w->context->key = tr_run_keys_set_single(&w->context->keys, key);
	tr_run_place_set(&w->place, key, &f->timer.window);
}

/** Keys of the window's entries in a table, to g->found. Simple ones are shown to the function at once. */
static tr_code find_entries(struct tr_run_windows *w, const struct firing *f, struct tr_table *table)
{
	struct tr_run_window_groups *g = w->groups;
	struct tr_table_entry entries[64];
	uint64_t cursor = 0;
	uint32_t count;

	do {
		memset(entries, 0, sizeof(entries));
		(void)tr_table_scan(table, f->timer.group, f->timer.group + 1, &cursor, (uint32_t)TR_COUNT_OF(entries),
				    entries, &count);
		for (uint32_t i = 0; i < count; i++) {
			struct tr_run_entry *entry;

			if (!take_entry(w, f, &entries[i], &entry))
				continue;
			keep_key(g, &entries[i].key);
			if (!f->is_simple || !entry->has_contents)
				continue;
			use_key(w, f, &entries[i].key);
			TR_TRY(tr_run_contents_show(w, &w->place, entry));
		}
	} while (count > 0);
	return TR_OK;
}

/** The keys that were found point to their copies. */
static void point_keys(struct tr_run_window_groups *g)
{
	for (uint32_t i = 0, at = 0; i < g->found_count; at += g->found_keys[i++].length)
		g->found_keys[i].bytes = g->found.data + at;
}

/** All that was found goes, in one look-up of all keys. */
static void erase_found(struct tr_run_windows *w, const struct firing *f, struct tr_table *table)
{
	struct tr_run_window_groups *g = w->groups;

	if (table == w->slots) {
		(void)tr_table_erase_i64(table, (const int64_t *)(const void *)g->found.data, g->found_count);
		return;
	}
	/* The bytes are without the window, but there is room behind those of one at a time. */
	for (uint32_t i = 0; i < g->found_count; i++) {
		tr_run_place_set(&w->place, &g->found_keys[i], &f->timer.window);
		(void)tr_table_erase(table, &w->place.entry, 1);
	}
}

static tr_code fire_table(struct tr_run_windows *w, const struct firing *f, struct tr_table *table)
{
	struct tr_run_window_groups *g = w->groups;
	enum tr_trigger_result result = w->plan->trigger.is_purging ? TR_TRIGGER_FIRE_AND_PURGE : TR_TRIGGER_FIRE;

	g->found_count = 0;
	tr_bytes_clear(&g->found);
	(void)tr_bytes_reserve(&g->found, 1); /* the key of all rows has no bytes, but a place */
	TR_TRY(find_entries(w, f, table));
	point_keys(g);
	if (f->is_simple && w->rows == NULL && w->plan->function.clear == NULL) {
		erase_found(w, f, table);
		return TR_OK;
	}
	for (uint32_t i = 0; i < g->found_count; i++) {
		use_key(w, f, &g->found_keys[i]);
		if (f->fires && !f->is_simple)
			TR_TRY(tr_run_window_act(w, &w->place, result));
		if (f->is_end)
			TR_TRY(tr_run_window_end(w, &w->place));
	}
	return TR_OK;
}

tr_code tr_run_window_groups_fire(struct tr_run_windows *w, const char *bytes, int64_t time_ms)
{
	const struct tr_run_window *plan = w->plan;
	struct firing f = {0};

	memcpy(&f.timer, bytes, GROUP_TIMER_BYTES);
	f.fires = time_ms == tr_window_last(&f.timer.window);
	f.is_end = time_ms == tr_run_window_cleanup(plan, &f.timer.window);
	f.is_simple = f.fires && f.is_end && !plan->has_evictor && plan->function.state_bytes == 0;
	for (uint32_t i = 0; i < REMEMBERED; i++)
		w->groups->windows[i].is_used = false;
	if (w->slots != NULL)
		TR_TRY(fire_table(w, &f, w->slots));
	return fire_table(w, &f, w->entries);
}

/* Batches. */

static void make_room(struct tr_run_window_groups *g, uint32_t rows)
{
	if (rows <= g->room)
		return;
	g->room = TR_MAX(rows, 2 * g->room);
	g->keys = tr_checked(realloc(g->keys, g->room * sizeof(*g->keys)));
	g->values = tr_checked(realloc(g->values, g->room * sizeof(*g->values)));
	g->is_new = tr_checked(realloc(g->is_new, g->room * sizeof(*g->is_new)));
	g->starts = tr_checked(realloc(g->starts, g->room * sizeof(*g->starts)));
	g->times = tr_checked(realloc(g->times, g->room * sizeof(*g->times)));
	g->rows = tr_checked(realloc(g->rows, g->room * sizeof(*g->rows)));
	g->added = tr_checked(realloc(g->added, g->room * sizeof(*g->added)));
	g->selection = tr_checked(realloc(g->selection, g->room * sizeof(*g->selection)));
	g->integers = tr_checked(realloc(g->integers, g->room * sizeof(*g->integers)));
	g->found_slots = tr_checked(realloc(g->found_slots, g->room * sizeof(*g->found_slots)));
	g->accumulators = tr_checked(realloc(g->accumulators, g->room * sizeof(*g->accumulators)));
}

/** The window `back` slides before each row's last one. Rows that are not in it have none. */
struct pass {
	const struct tr_batch *batch;
	int64_t back_ms;
	uint32_t count; /* rows in it: g->rows (of the selected), keys */
};

/** Keys of the rows that are in the windows of a pass. */
static void write_keys(struct tr_run_windows *w, struct pass *pass, const int64_t *times)
{
	struct tr_run_window_groups *g = w->groups;
	const struct tr_run_keys *keys = &w->context->keys;
	const int64_t size_ms = w->plan->windows.size_ms;
	const uint32_t n = pass->count;
	size_t at = 0, bytes = 0;
	uint32_t count = 0;

	for (uint32_t k = 0; k < n; k++)
		bytes += keys->keys[g->rows[k]].length + TR_RUN_WINDOW_BYTES;
	if (bytes > g->bytes_room) {
		g->bytes_room = bytes * 2;
		g->bytes = tr_checked(realloc(g->bytes, g->bytes_room));
	}
	for (uint32_t k = 0; k < n; k++) {
		const uint32_t i = g->rows[k];
		const struct tr_table_key *key = &keys->keys[i];
		const int64_t start = g->starts[i] - pass->back_ms;
		const struct tr_window window = {start, start + size_ms};

		if (window.end_ms <= times[i])
			continue;
		memcpy(g->bytes + at, key->bytes, key->length);
		memcpy(g->bytes + at + key->length, &window, TR_RUN_WINDOW_BYTES);
		g->keys[count] =
			(struct tr_table_key){g->bytes + at, key->length + TR_RUN_WINDOW_BYTES, key->partition};
		at += key->length + TR_RUN_WINDOW_BYTES;
		g->values[count] = (struct tr_table_value){NULL, w->plan->entry_bytes};
		g->rows[count++] = i;
	}
	pass->count = count;
}

/** There is a new entry for the selected row i. */
static void begin_entry(struct tr_run_windows *w, struct tr_run_entry *entry, uint32_t i, int64_t back_ms)
{
	const struct tr_run_window *plan = w->plan;
	const int64_t start = w->groups->starts[i] - back_ms;
	const struct tr_window window = {start, start + plan->windows.size_ms};

	tr_run_window_groups_add(w, &w->context->keys.keys[i], &window);
	entry->has_contents = true;
	if (plan->function.create != NULL)
		plan->function.create(plan->function.user, (char *)entry + plan->contents_at);
}

/** `count` selected rows to their accumulators. */
static void add_rows(struct tr_run_windows *w, const struct tr_batch *batch, const uint32_t *rows, uint32_t count)
{
	struct tr_run_window_groups *g = w->groups;
	const struct tr_window_function *function = &w->plan->function;
	struct tr_batch some = *batch;

	if (function->add_batch == NULL) {
		for (uint32_t k = 0; k < count; k++) {
			const struct tr_row row = {batch, tr_batch_row(batch, rows[k])};

			function->add(function->user, g->accumulators[k], &row);
		}
		return;
	}
	if (count < batch->selected_count) {
		for (uint32_t k = 0; k < count; k++)
			g->selection[k] = tr_batch_row(batch, rows[k]);
		some.selection = g->selection;
		some.selected_count = count;
	}
	if (count > 0)
		function->add_batch(function->user, g->accumulators, &some);
}

static void add_pass(struct tr_run_windows *w, const struct pass *pass)
{
	struct tr_run_window_groups *g = w->groups;

	(void)tr_table_upsert(w->entries, g->keys, pass->count, g->values, g->is_new);
	for (uint32_t k = 0; k < pass->count; k++) {
		struct tr_run_entry *entry = g->values[k].bytes;

		if (!entry->has_contents)
			begin_entry(w, entry, g->rows[k], pass->back_ms);
		g->accumulators[k] = (char *)entry + w->plan->contents_at;
	}
	add_rows(w, pass->batch, g->rows, pass->count);
}

/** The rows of g->rows that find their window in the key's slot; the others stay there. How many these are. */
static uint32_t add_to_slots(struct tr_run_windows *w, const struct tr_batch *batch, uint32_t count)
{
	struct tr_run_window_groups *g = w->groups;
	const int64_t size_ms = w->plan->windows.size_ms;
	uint32_t added = 0, left = 0;

	for (uint32_t k = 0; k < count; k++)
		g->integers[k] = w->context->keys.ints[g->rows[k]];
	(void)tr_table_upsert_i64(w->slots, g->integers, count, g->found_slots, NULL);
	for (uint32_t k = 0; k < count; k++) {
		const uint32_t i = g->rows[k];
		const struct tr_window window = {g->starts[i], g->starts[i] + size_ms};
		struct tr_run_slot *slot = g->found_slots[k];

		if (!tr_run_slot_has(slot, window.start_ms)) {
			if (slot->window != 0) {
				g->rows[left++] = i;
				continue;
			}
			(void)tr_run_slot_take(w, slot, &w->context->keys.keys[i], &window);
		}
		if (!slot->entry.has_contents)
			begin_entry(w, &slot->entry, i, 0);
		g->accumulators[added] = (char *)&slot->entry + w->plan->contents_at;
		g->added[added++] = i;
	}
	add_rows(w, batch, g->added, added);
	return left;
}

/** Each row's time to `times`, its last window's start to g->starts. */
static tr_code take_times(struct tr_run_windows *w, const struct tr_batch *batch, int64_t *times)
{
	const struct tr_windows *windows = &w->plan->windows;
	const struct tr_column *column = NULL;
	int64_t start = INT64_MAX, end = INT64_MIN;
	const int64_t now_ms = tr_context_processing_time(w->context);

	if (w->plan->is_event_time)
		column = &batch->columns[w->plan->f.inputs[0].time_column];
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);

		if (column != NULL && tr_column_is_null(column, row))
			TR_FAIL(w->st, TR_ERR_DATA,
				"the event time of a row is NULL; leave such rows out, or give them a value");
		times[i] = column != NULL ? tr_column_i64(column, row) : now_ms;
		if (times[i] < start || times[i] >= end) {
			start = tr_run_window_start(times[i], windows->offset_ms, windows->slide_ms);
			end = start + windows->slide_ms;
		}
		w->groups->starts[i] = start;
	}
	return TR_OK;
}

/** Rows whose only window has a gap before the next one may be in none. */
static uint32_t leave_out_gaps(struct tr_run_windows *w, const int64_t *times, uint32_t count)
{
	struct tr_run_window_groups *g = w->groups;
	uint32_t kept = 0;

	for (uint32_t k = 0; k < count; k++)
		if (times[g->rows[k]] - g->starts[g->rows[k]] < w->plan->windows.size_ms)
			g->rows[kept++] = g->rows[k];
	return kept;
}

/** The rows all of whose windows are still to fire go by batch; the others one by one. */
tr_code tr_run_window_groups_take(struct tr_run_windows *w, const struct tr_batch *batch)
{
	struct tr_run_window_groups *g = w->groups;
	const struct tr_windows *windows = &w->plan->windows;
	const int64_t first_back = (windows->size_ms - 1) / windows->slide_ms * windows->slide_ms;
	uint32_t count = 0;

	make_room(g, batch->selected_count);
	TR_TRY(take_times(w, batch, g->times));
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		if (!w->plan->is_event_time ||
		    g->starts[i] - first_back + windows->size_ms - 1 > w->context->row_watermark_ms) {
			g->rows[count++] = i;
			continue;
		}
		tr_run_choose(w->context, i);
		TR_TRY(tr_run_window_take_row(w, &row, g->times[i]));
	}
	if (w->slots != NULL)
		count = add_to_slots(w, batch, leave_out_gaps(w, g->times, count));
	for (int64_t back_ms = 0; back_ms <= first_back && count > 0; back_ms += windows->slide_ms) {
		struct pass pass = {batch, back_ms, count};

		write_keys(w, &pass, g->times);
		add_pass(w, &pass);
		count = pass.count;
	}
	return TR_OK;
}
