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

static void check_length(const struct tr_run_state *state, uint32_t length, uint32_t most)
{
	if (length > most)
		tr_run_die(state->context->plan->name, "state '%s': %u bytes; %u are the most", state->name, length,
			   most);
}

void tr_list_state_add(struct tr_list_state *state, const void *bytes, uint32_t length)
{
	const struct tr_run_key *key = tr_run_key(state->s.context);

	check_length(&state->s, length, TR_SORTED_ROW_BYTES_MAX);
	(void)tr_keyed_list_add(&state->s.sorted, &key->bytes, bytes, length);
}

bool tr_list_state_next(struct tr_list_state *state, uint64_t *cursor, const void **bytes, uint32_t *length)
{
	const struct tr_run_key *key = tr_run_key(state->s.context);
	struct tr_table_value element;
	uint32_t count = 0;

	(void)tr_keyed_list_get(&state->s.sorted, &key->bytes, cursor, 1, &element, &count);
	if (count == 0)
		return false;
	*bytes = element.bytes;
	*length = element.length;
	return true;
}

void tr_list_state_clear(struct tr_list_state *state)
{
	const struct tr_run_key *key = tr_run_key(state->s.context);

	(void)tr_keyed_list_clear(&state->s.sorted, &key->bytes);
}

struct tr_map_state *tr_map_state_create(struct tr_context *context, const struct tr_state_descriptor *descriptor)
{
	return (struct tr_map_state *)tr_run_state_create(context, descriptor, TR_RUN_MAP_STATE,
							  sizeof(struct tr_map_state));
}

const void *tr_map_state_get(struct tr_map_state *state, const void *map_key, uint32_t key_length, uint32_t *length)
{
	const struct tr_run_key *key = tr_run_key(state->s.context);
	struct tr_table_value value;

	check_length(&state->s, key_length, TR_SORTED_SORT_BYTES_MAX);
	(void)tr_keyed_map_get(&state->s.sorted, &key->bytes, map_key, key_length, &value);
	if (length != NULL)
		*length = value.bytes != NULL ? value.length : 0;
	return value.bytes;
}

void tr_map_state_put(struct tr_map_state *state, const void *map_key, uint32_t key_length, const void *bytes,
		      uint32_t length)
{
	const struct tr_run_key *key = tr_run_key(state->s.context);

	check_length(&state->s, key_length, TR_SORTED_SORT_BYTES_MAX);
	check_length(&state->s, length, TR_SORTED_ROW_BYTES_MAX);
	(void)tr_keyed_map_put(&state->s.sorted, &key->bytes, map_key, key_length, bytes, length);
}

void tr_map_state_remove(struct tr_map_state *state, const void *map_key, uint32_t key_length)
{
	const struct tr_run_key *key = tr_run_key(state->s.context);

	(void)tr_keyed_map_remove(&state->s.sorted, &key->bytes, map_key, key_length);
}

bool tr_map_state_next(struct tr_map_state *state, const void *map_key, uint32_t key_length, const void **next,
		       uint32_t *next_length, const void **bytes, uint32_t *length)
{
	const struct tr_run_key *key = tr_run_key(state->s.context);
	struct tr_sorted_row row;

	(void)tr_sorted_table_seek(&state->s.sorted, &key->bytes, map_key != NULL ? map_key : "",
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
	const struct tr_run_key *key = tr_run_key(state->s.context);

	(void)tr_keyed_map_clear(&state->s.sorted, &key->bytes);
}
