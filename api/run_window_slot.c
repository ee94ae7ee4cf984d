/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots: entries of tumbling windows with accumulators, where keys are whole numbers. A key has mostly one window at a time; that one's entry
 * lies in a table by the key alone, where an access costs one cache miss and no bytes are compared. A second window of the
 * key (rows out of order, lateness) is in w->entries as all others are, and may come to the slot when that is free. See run_window.h.
 */
#include "api/run_window.h"
#include "base/check.h"

#define SLOT_BYTES_MAX 1024

uint32_t tr_run_slot_bytes(const struct tr_run_windows *w)
{
	const struct tr_run_window *plan = w->plan;
	const uint32_t bytes = (uint32_t)sizeof(uint64_t) + plan->entry_bytes;

	return plan->is_grouped && plan->contents == TR_RUN_ACCUMULATOR && w->context->keys.is_integer &&
			       plan->windows.slide_ms >= plan->windows.size_ms && bytes <= SLOT_BYTES_MAX
		       ? bytes
		       : 0;
}

static int64_t integer_of(const struct tr_table_key *key)
{
	int64_t integer;

	memcpy(&integer, key->bytes, sizeof(integer));
	return integer;
}

bool tr_run_slot_take(struct tr_run_windows *w, struct tr_run_slot *slot, const struct tr_table_key *key,
		      const struct tr_window *window)
{
	struct tr_table_value value = {NULL, 0};
	struct tr_run_place place;

	slot->window = (uint64_t)window->start_ms - (uint64_t)INT64_MIN;
	if (tr_table_count(w->entries) == 0)
		return true;
	tr_run_place_set(&place, key, window);
	(void)tr_table_find(w->entries, &place.entry, 1, &value);
	if (value.bytes == NULL)
		return true;
	memcpy(&slot->entry, value.bytes, value.length);
	(void)tr_table_erase(w->entries, &place.entry, 1);
	return false;
}

struct tr_run_entry *tr_run_slot_entry(struct tr_run_windows *w, const struct tr_run_place *place, bool is_wanted,
				       bool *is_new)
{
	const int64_t integer = integer_of(&place->entry);
	struct tr_run_slot *slot;
	void *found;

	(void)tr_table_find_i64(w->slots, &integer, 1, &found);
	slot = found;
	if (slot != NULL ? !tr_run_slot_has(slot, place->window.start_ms) && (!is_wanted || slot->window != 0)
			 : !is_wanted)
		return NULL;
	(void)tr_table_upsert_i64(w->slots, &integer, 1, &found, NULL);
	slot = found;
	*is_new = false;
	if (!tr_run_slot_has(slot, place->window.start_ms)) {
		struct tr_table_key key = place->entry;

		key.length -= TR_RUN_WINDOW_BYTES;
		*is_new = tr_run_slot_take(w, slot, &key, &place->window);
	}
	return &slot->entry;
}

bool tr_run_slot_drop(struct tr_run_windows *w, const struct tr_run_place *place)
{
	const int64_t integer = integer_of(&place->entry);
	void *found;

	(void)tr_table_find_i64(w->slots, &integer, 1, &found);
	if (found == NULL || !tr_run_slot_has(found, place->window.start_ms))
		return false;
	(void)tr_table_erase_i64(w->slots, &integer, 1);
	return true;
}
