/* SPDX-License-Identifier: Apache-2.0
 *
 * Going through all keys of a subtask (include/tailrace/state.h, tr_context_for_each_key). The keys are gathered first and sorted, so that
 * the user may change any state meanwhile, and the order is that of the keys' bytes and not of tables.
 */
#include <stdlib.h>

#include "api/run_context.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"

#define SCAN_ENTRIES 256

struct found_key {
	size_t offset; /* of its bytes; after all were found: `bytes` */
	const char *bytes;
	uint32_t length;
	uint32_t partition;
};

struct found {
	struct tr_bytes bytes;
	struct found_key *keys;
	size_t count, room;
};

static void add_key(struct found *f, const void *bytes, uint32_t length, uint32_t partition)
{
	if (f->count == f->room) {
		f->room = TR_MAX((size_t)256, 2 * f->room);
		f->keys = tr_checked(realloc(f->keys, f->room * sizeof(*f->keys)));
	}
	f->keys[f->count++] = (struct found_key){f->bytes.length, NULL, length, partition};
	tr_bytes_append(&f->bytes, bytes, length);
}

/** Whether an entry is a value that exists: fixed ones have a byte for that behind them. */
static bool is_there(const struct tr_run_state *state, const struct tr_table_entry *entry)
{
	const uint32_t bytes = state->descriptor.value_bytes;

	return bytes == 0 || entry->value.length <= bytes || ((const bool *)entry->value.bytes)[bytes];
}

static void take_entry(struct found *f, const struct tr_run_state *state, const struct tr_table_entry *entry)
{
	uint32_t length;

	if (state->sort == TR_RUN_LIST || state->sort == TR_RUN_MAP_STATE) {
		if (tr_sorted_table_is_key(&entry->key, &length))
			add_key(f, entry->key.bytes, length, entry->key.partition);
	} else if (is_there(state, entry)) {
		if (state->has_int_keys)
			add_key(f, &entry->integer, sizeof(entry->integer),
				(uint32_t)(tr_hash_u64((uint64_t)entry->integer) >> 32));
		else
			add_key(f, entry->key.bytes, entry->key.length, entry->key.partition);
	}
}

static void find_keys(struct found *f, const struct tr_run_states *states)
{
	const struct tr_table_options options = tr_run_table_options(states->context, 0);
	struct tr_table_entry *entries = tr_checked(calloc(SCAN_ENTRIES, sizeof(*entries)));

	for (uint32_t i = 0; i < states->count; i++) {
		uint64_t cursor = 0;
		uint32_t count;

		do {
			TR_ASSERT(tr_table_scan(states->items[i]->table, options.group_first, options.group_end,
						&cursor, SCAN_ENTRIES, entries, &count) == TR_FLOW_MORE);
			for (uint32_t k = 0; k < count; k++)
				take_entry(f, states->items[i], &entries[k]);
		} while (count > 0);
	}
	free(entries);
}

static int compare_keys(const void *a, const void *b)
{
	const struct found_key *x = a, *y = b;
	const int order = memcmp(x->bytes, y->bytes, TR_MIN(x->length, y->length));

	return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static void sort_keys(struct found *f)
{
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++)
		f->keys[i].bytes = f->bytes.data + f->keys[i].offset;
	if (f->count > 0)
		qsort(f->keys, f->count, sizeof(*f->keys), compare_keys);
	for (size_t i = 0; i < f->count; i++)
		if (count == 0 || compare_keys(&f->keys[count - 1], &f->keys[i]) != 0)
			f->keys[count++] = f->keys[i];
	f->count = count;
}

static tr_code visit_keys(struct tr_context *context, const struct found *f, tr_key_fn visit, void *argument,
			  struct tr_status *st)
{
	tr_code code = TR_OK;

	for (size_t i = 0; i < f->count && code == TR_OK && context->failure.code == TR_OK; i++) {
		const struct tr_table_key key = {f->keys[i].bytes, f->keys[i].length, f->keys[i].partition};

		context->key = tr_run_keys_set_single(&context->keys, &key);
		code = visit(context, argument, st);
		if (context->hand.has_copies)
			tr_run_states_settle(&context->states);
	}
	return code;
}

tr_code tr_context_for_each_key(struct tr_context *context, tr_key_fn visit, void *argument, struct tr_status *st)
{
	struct found f = {0};
	const struct tr_run_key *key;
	struct tr_table_key timer_key = {NULL, 0, 0};
	const int64_t timestamp_ms = context->timestamp_ms;
	const bool is_timer = context->is_timer;
	tr_code code;

	tr_run_check_context(context);
	if (!context->plan->is_keyed || context->windows != NULL || context->is_opening || context->is_visiting) {
		tr_run_mistake("tr_context_for_each_key was called %s",
			       context->is_opening    ? "in open, where state is not restored yet (on_start)"
			       : context->is_visiting ? "from within itself"
						      : "where there is no keyed state");
		return TR_OK;
	}
	key = context->key;
	if (is_timer) { /* its bytes are about to be those of other keys */
		timer_key = key->bytes;
		timer_key.bytes =
			memcpy(tr_checked(malloc((size_t)key->bytes.length + 1)), key->bytes.bytes, key->bytes.length);
	}
	tr_run_states_end_batch(&context->states);
	find_keys(&f, &context->states);
	sort_keys(&f);
	context->is_timer = context->is_visiting = true;
	context->timestamp_ms = TR_WATERMARK_MIN;
	code = visit_keys(context, &f, visit, argument, st);
	context->is_visiting = false;
	context->is_timer = is_timer;
	context->timestamp_ms = timestamp_ms;
	context->key = is_timer ? tr_run_keys_set_single(&context->keys, &timer_key) : key;
	free((void *)(uintptr_t)timer_key.bytes);
	tr_bytes_deinit(&f.bytes);
	free(f.keys);
	return code;
}
