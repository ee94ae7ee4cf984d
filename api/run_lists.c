/* SPDX-License-Identifier: Apache-2.0
 *
 * States with many values a key: lists and maps, over state/keyed_state.h. See include/tailrace/state.h for what users see.
 */
#include "api/run_context.h"
#include "base/check.h"

struct tr_list_state *tr_list_state_create(struct tr_context *context, const struct tr_state_descriptor *descriptor)
{
	return (struct tr_list_state *)tr_run_state_create(context, descriptor, TR_RUN_LIST,
							   sizeof(struct tr_list_state));
}

/** The current key. NULL: the state was used where it can't be. */
static const struct tr_table_key *key_of(const struct tr_run_state *state)
{
	const struct tr_run_key *key = tr_run_state_key(state);

	return key != NULL ? &key->bytes : NULL;
}

static bool has_length(const struct tr_run_state *state, uint32_t length, uint32_t most)
{
	if (length > most)
		tr_run_mistake("state '%s': %u bytes; %u are the most", state->name, length, most);
	return length <= most;
}

void tr_list_state_add(struct tr_list_state *state, const void *bytes, uint32_t length)
{
	const struct tr_table_key *key = key_of(TR_RUN_STATE(state));

	if (key != NULL && has_length(TR_RUN_STATE(state), length, TR_SORTED_ROW_BYTES_MAX))
		(void)tr_keyed_list_add(&state->s.sorted, key, bytes, length);
}

bool tr_list_state_next(struct tr_list_state *state, uint64_t *cursor, const void **bytes, uint32_t *length)
{
	const struct tr_table_key *key = key_of(TR_RUN_STATE(state));
	struct tr_table_value element;
	uint32_t count = 0;

	if (key == NULL)
		return false;
	(void)tr_keyed_list_get(&state->s.sorted, key, cursor, 1, &element, &count);
	if (count == 0)
		return false;
	*bytes = element.bytes;
	*length = element.length;
	return true;
}

void tr_list_state_clear(struct tr_list_state *state)
{
	const struct tr_table_key *key = key_of(TR_RUN_STATE(state));

	if (key != NULL)
		(void)tr_keyed_list_clear(&state->s.sorted, key);
}

struct tr_map_state *tr_map_state_create(struct tr_context *context, const struct tr_state_descriptor *descriptor)
{
	return (struct tr_map_state *)tr_run_state_create(context, descriptor, TR_RUN_MAP_STATE,
							  sizeof(struct tr_map_state));
}

const void *tr_map_state_get(struct tr_map_state *state, const void *map_key, uint32_t key_length, uint32_t *length)
{
	const struct tr_table_key *key = key_of(TR_RUN_STATE(state));
	struct tr_table_value value = {NULL, 0};

	if (key != NULL && has_length(TR_RUN_STATE(state), key_length, TR_SORTED_SORT_BYTES_MAX))
		(void)tr_keyed_map_get(&state->s.sorted, key, map_key, key_length, &value);
	if (length != NULL)
		*length = value.bytes != NULL ? value.length : 0;
	return value.bytes;
}

void tr_map_state_put(struct tr_map_state *state, const void *map_key, uint32_t key_length, const void *bytes,
		      uint32_t length)
{
	const struct tr_table_key *key = key_of(TR_RUN_STATE(state));

	if (key != NULL && has_length(TR_RUN_STATE(state), key_length, TR_SORTED_SORT_BYTES_MAX) &&
	    has_length(TR_RUN_STATE(state), length, TR_SORTED_ROW_BYTES_MAX))
		(void)tr_keyed_map_put(&state->s.sorted, key, map_key, key_length, bytes, length);
}

void tr_map_state_remove(struct tr_map_state *state, const void *map_key, uint32_t key_length)
{
	const struct tr_table_key *key = key_of(TR_RUN_STATE(state));

	if (key != NULL && has_length(TR_RUN_STATE(state), key_length, TR_SORTED_SORT_BYTES_MAX))
		(void)tr_keyed_map_remove(&state->s.sorted, key, map_key, key_length);
}

bool tr_map_state_next(struct tr_map_state *state, const void *map_key, uint32_t key_length, const void **next,
		       uint32_t *next_length, const void **bytes, uint32_t *length)
{
	const struct tr_table_key *key = key_of(TR_RUN_STATE(state));
	struct tr_sorted_row row;

	if (key == NULL || !has_length(TR_RUN_STATE(state), map_key != NULL ? key_length : 0, TR_SORTED_SORT_BYTES_MAX))
		return false;
	(void)tr_sorted_table_seek(&state->s.sorted, key, map_key != NULL ? map_key : "",
				   map_key != NULL ? key_length : 0, map_key != NULL, &row);
	if (row.bytes == NULL)
		return false;
	*next = row.sort;
	*next_length = row.sort_length;
	*bytes = row.bytes;
	*length = row.length;
	return true;
}

void tr_map_state_clear(struct tr_map_state *state)
{
	const struct tr_table_key *key = key_of(TR_RUN_STATE(state));

	if (key != NULL)
		(void)tr_keyed_map_clear(&state->s.sorted, key);
}
