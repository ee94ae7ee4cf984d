/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_broadcast.h, and include/tailrace/broadcast.h for what users see.
 */
#include "api/run_broadcast.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/run_context.h"
#include "base/check.h"
#include "state/operator_state.h"

#define KEY_BYTES_MAX 65536
#define VALUE_BYTES_MAX (16u << 20) /* of any length */

struct entry {
	uint32_t key_length;
	uint32_t length;
	_Alignas(8) char bytes[]; /* the value, then the key */
};

struct tr_broadcast_state {
	struct tr_broadcast_state *next;
	struct tr_context *context;
	struct tr_state_descriptor descriptor;
	char *name;
	bool is_broken; /* its declaration was a mistake, which was told */
	struct entry **entries;
	uint32_t count, room;
	uint64_t bytes;
};

static const char *key_of(const struct entry *entry) { return entry->bytes + entry->length; }

static void clear(struct tr_broadcast_state *state)
{
	for (uint32_t i = 0; i < state->count; i++)
		free(state->entries[i]);
	state->count = 0;
	state->bytes = 0;
}

void tr_run_broadcasts_deinit(struct tr_run_broadcasts *broadcasts)
{
	while (broadcasts->first != NULL) {
		struct tr_broadcast_state *state = broadcasts->first;

		broadcasts->first = state->next;
		clear(state);
		free(state->entries);
		free(state->name);
		free(state);
	}
}

/* Declaring. */

/** What is wrong; NULL: nothing. */
static const char *check(const struct tr_context *context, const struct tr_state_descriptor *d)
{
	if (!context->plan->has_broadcast)
		return "broadcast state needs a broadcast side (tr_stream_connect_broadcast)";
	if (!context->is_opening)
		return "states are declared in open";
	if (d->name == NULL || d->name[0] == '\0')
		return "a state needs a name";
	if (d->ttl_ms != 0)
		return "broadcast states have no time to live";
	for (const struct tr_broadcast_state *other = context->broadcasts.first; other != NULL; other = other->next)
		if (strcmp(other->name, d->name) == 0)
			return "there are two broadcast states of one name";
	return NULL;
}

struct tr_broadcast_state *tr_broadcast_state_create(struct tr_context *context,
						     const struct tr_state_descriptor *descriptor)
{
	struct tr_broadcast_state *state = tr_checked(calloc(1, sizeof(*state)));
	struct tr_state_descriptor d = {0};
	const char *problem;

	tr_run_check_context(context);
	if (descriptor != NULL)
		memcpy(&d, descriptor, TR_MIN(descriptor->struct_size, sizeof(d)));
	problem = descriptor == NULL || d.struct_size == 0
			  ? "a state needs a descriptor, made by TR_MAKE(tr_state_descriptor, ..)"
			  : check(context, &d);
	if (problem != NULL)
		tr_run_mistake("broadcast state '%s': %s", d.name != NULL ? d.name : "", problem);
	state->context = context;
	state->name = tr_checked(strdup(d.name != NULL ? d.name : ""));
	state->descriptor = d;
	state->is_broken = problem != NULL;
	state->next = context->broadcasts.first;
	context->broadcasts.first = state;
	return state;
}

/* Reading. */

/** The first entry whose key is not less; *is_equal: it is the key's. */
static uint32_t find(const struct tr_broadcast_state *state, const void *key, uint32_t key_length, bool *is_equal)
{
	uint32_t low = 0, high = state->count;

	*is_equal = false;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		const struct entry *entry = state->entries[middle];
		int order = memcmp(key_of(entry), key, TR_MIN(entry->key_length, key_length));

		if (order == 0)
			order = entry->key_length < key_length ? -1 : entry->key_length > key_length;
		if (order == 0)
			*is_equal = true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/** Ends the process where the state is used outside of a callback. False: it can't be used. */
static bool is_usable(const struct tr_broadcast_state *state)
{
	if (state == NULL) {
		fprintf(stderr,
			"tailrace: a broadcast state is NULL: it was used without having been declared in open\n");
		abort();
	}
	tr_run_check_context(state->context);
	return !state->is_broken;
}

const void *tr_broadcast_state_get(struct tr_broadcast_state *state, const void *key, uint32_t key_length,
				   uint32_t *length)
{
	const struct entry *entry = NULL;
	bool is_there;
	uint32_t at;

	if (is_usable(state)) {
		at = find(state, key, key_length, &is_there);
		entry = is_there ? state->entries[at] : NULL;
	}
	if (length != NULL)
		*length = entry != NULL ? entry->length : 0;
	return entry != NULL ? entry->bytes : NULL;
}

bool tr_broadcast_state_next(struct tr_broadcast_state *state, const void *key, uint32_t key_length, const void **next,
			     uint32_t *next_length, const void **bytes, uint32_t *length)
{
	const struct entry *entry;
	bool is_there = false;
	uint32_t at = 0;

	if (!is_usable(state))
		return false;
	if (key != NULL)
		at = find(state, key, key_length, &is_there) + is_there;
	if (at >= state->count)
		return false;
	entry = state->entries[at];
	*next = key_of(entry);
	*next_length = entry->key_length;
	*bytes = entry->bytes;
	*length = entry->length;
	return true;
}

/* Writing. */

static bool is_writable(const struct tr_broadcast_state *state)
{
	const struct tr_context *context = state->context;

	if (!is_usable(state))
		return false;
	if (context->batch != NULL && context->input == &context->plan->inputs[1])
		return true;
	tr_run_mistake("broadcast state '%s' was changed outside of on_right_row and on_right_batch: the other side "
		       "can only read it",
		       state->name);
	return false;
}

static void put(struct tr_broadcast_state *state, const void *key, uint32_t key_length, const void *bytes,
		uint32_t length)
{
	struct entry *entry = tr_checked(malloc(sizeof(*entry) + (size_t)length + key_length));
	bool is_there;
	const uint32_t at = find(state, key, key_length, &is_there);

	entry->key_length = key_length;
	entry->length = length;
	if (length > 0)
		memcpy(entry->bytes, bytes, length);
	if (key_length > 0)
		memcpy(entry->bytes + length, key, key_length);
	state->bytes += (uint64_t)length + key_length;
	if (is_there) { /* `key` and `bytes` may point into it */
		state->bytes -= (uint64_t)state->entries[at]->length + key_length;
		free(state->entries[at]);
		state->entries[at] = entry;
		return;
	}
	if (state->count == state->room) {
		state->room = TR_MAX(16u, 2 * state->room);
		state->entries = tr_checked(realloc(state->entries, state->room * sizeof(*state->entries)));
	}
	memmove(&state->entries[at + 1], &state->entries[at], (state->count - at) * sizeof(*state->entries));
	state->entries[at] = entry;
	state->count++;
}

void tr_broadcast_state_put(struct tr_broadcast_state *state, const void *key, uint32_t key_length, const void *bytes,
			    uint32_t length)
{
	if (!is_writable(state))
		return;
	if (key_length > KEY_BYTES_MAX || length > VALUE_BYTES_MAX)
		tr_run_mistake("broadcast state '%s': a key of %u bytes and a value of %u; %d and %u are the most",
			       state->name, key_length, length, KEY_BYTES_MAX, VALUE_BYTES_MAX);
	else if (state->descriptor.value_bytes != 0 && length != state->descriptor.value_bytes)
		tr_run_mistake("broadcast state '%s': a value of %u bytes; its values have %u", state->name, length,
			       state->descriptor.value_bytes);
	else
		put(state, key, key_length, bytes, length);
}

void tr_broadcast_state_remove(struct tr_broadcast_state *state, const void *key, uint32_t key_length)
{
	bool is_there;
	uint32_t at;

	if (!is_writable(state))
		return;
	at = find(state, key, key_length, &is_there);
	if (!is_there)
		return;
	state->bytes -= (uint64_t)state->entries[at]->length + key_length;
	free(state->entries[at]);
	state->count--;
	memmove(&state->entries[at], &state->entries[at + 1], (state->count - at) * sizeof(*state->entries));
}

void tr_broadcast_state_clear(struct tr_broadcast_state *state)
{
	if (is_writable(state))
		clear(state);
}

/* Saving and loading. */

tr_code tr_run_broadcasts_save(const struct tr_run_broadcasts *broadcasts, uint16_t kind,
			       struct tr_state_writer *writer, struct tr_status *st)
{
	tr_code code = TR_OK;

	for (const struct tr_broadcast_state *state = broadcasts->first; state != NULL && code == TR_OK;
	     state = state->next) {
		const uint32_t head[2] = {state->descriptor.version, state->descriptor.value_bytes};
		struct tr_operator_state items;

		if (state->context->op->subtask != 0)
			continue; /* all have the same */
		tr_operator_state_init(&items, TR_OPERATOR_BROADCAST, kind);
		tr_operator_state_add(&items, state->name, (uint32_t)strlen(state->name));
		tr_operator_state_add(&items, head, sizeof(head));
		for (uint32_t i = 0; i < state->count; i++) {
			tr_operator_state_add(&items, key_of(state->entries[i]), state->entries[i]->key_length);
			tr_operator_state_add(&items, state->entries[i]->bytes, state->entries[i]->length);
		}
		code = tr_operator_state_save(&items, writer, st);
		tr_operator_state_deinit(&items);
	}
	return code;
}

static struct tr_broadcast_state *find_state(const struct tr_run_broadcasts *broadcasts, const void *name,
					     uint32_t length)
{
	for (struct tr_broadcast_state *state = broadcasts->first; state != NULL; state = state->next)
		if (strlen(state->name) == length && memcmp(state->name, name, length) == 0)
			return state;
	return NULL;
}

/** The entries behind name and head. */
static tr_code load_items(const struct tr_run_broadcasts *broadcasts, const struct tr_operator_state *items,
			  struct tr_status *st)
{
	struct tr_broadcast_state *state;
	const void *name, *key, *bytes;
	uint32_t name_length, key_length, length, head[2];
	size_t cursor = 0;

	if (!tr_operator_state_next(items, &cursor, &name, &name_length))
		return TR_OK; /* of another subtask than the first */
	if (!tr_operator_state_next(items, &cursor, &bytes, &length) || length != sizeof(head))
		TR_FAIL(st, TR_ERR_DATA, "a broadcast state has no head");
	memcpy(head, bytes, sizeof(head));
	state = find_state(broadcasts, name, name_length);
	if (state == NULL)
		return TR_OK; /* the job has it no more */
	if (head[0] != state->descriptor.version || head[1] != state->descriptor.value_bytes)
		TR_FAIL(st, TR_ERR_DATA,
			"broadcast state '%s' does not fit\n  saved: version %u, %u bytes\n  job:   version %u, %u "
			"bytes",
			state->name, head[0], head[1], state->descriptor.version, state->descriptor.value_bytes);
	while (tr_operator_state_next(items, &cursor, &key, &key_length)) {
		if (!tr_operator_state_next(items, &cursor, &bytes, &length))
			TR_FAIL(st, TR_ERR_DATA, "broadcast state '%s': a key without a value", state->name);
		put(state, key, key_length, bytes, length);
	}
	return TR_OK;
}

tr_code tr_run_broadcasts_load(struct tr_run_broadcasts *broadcasts, const struct tr_state_origin *origin,
			       const struct tr_state_record *record, struct tr_status *st)
{
	struct tr_operator_state items;
	tr_code code;

	tr_operator_state_init(&items, TR_OPERATOR_BROADCAST, record->kind);
	code = tr_operator_state_load(&items, origin, 0, 1, record->bytes, record->length, st);
	if (code == TR_OK)
		code = load_items(broadcasts, &items, st);
	tr_operator_state_deinit(&items);
	return code;
}

uint64_t tr_run_broadcasts_bytes(const struct tr_run_broadcasts *broadcasts)
{
	uint64_t bytes = 0;

	for (const struct tr_broadcast_state *state = broadcasts->first; state != NULL; state = state->next)
		bytes += state->bytes + (uint64_t)state->count * 2 * sizeof(uint32_t);
	return bytes;
}
