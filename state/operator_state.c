/* SPDX-License-Identifier: Apache-2.0
 *
 * See operator_state.h.
 */
#include "state/operator_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define VERSION 1
#define HEAD_BYTES 8

void tr_operator_state_init(struct tr_operator_state *state, enum tr_operator_sort sort, uint16_t kind)
{
	*state = (struct tr_operator_state){.sort = sort, .kind = kind};
}

void tr_operator_state_deinit(struct tr_operator_state *state)
{
	free(state->bytes);
	state->bytes = NULL;
}

void tr_operator_state_clear(struct tr_operator_state *state) { state->length = state->count = 0; }

void tr_operator_state_add(struct tr_operator_state *state, const void *bytes, uint32_t length)
{
	if (state->room - state->length < (size_t)length + 4) {
		state->room = (state->length + length + 4) * 2;
		state->bytes = realloc(state->bytes, state->room);
		TR_ASSERT(state->bytes != NULL);
	}
	memcpy(state->bytes + state->length, &length, 4);
	memcpy(state->bytes + state->length + 4, bytes, length);
	state->length += (size_t)length + 4;
	state->count++;
}

bool tr_operator_state_next(const struct tr_operator_state *state, size_t *cursor, const void **bytes, uint32_t *length)
{
	if (*cursor >= state->length)
		return false;
	memcpy(length, state->bytes + *cursor, 4);
	*bytes = state->bytes + *cursor + 4;
	*cursor += (size_t)*length + 4;
	return true;
}

tr_code tr_operator_state_save(const struct tr_operator_state *state, struct tr_state_writer *writer,
			       struct tr_status *st)
{
	char *bytes = calloc(1, HEAD_BYTES + state->length);
	const struct tr_state_record record = {
		.kind = state->kind, .is_keyed = false, .bytes = bytes, .length = HEAD_BYTES + state->length};
	tr_code code;

	TR_ASSERT(bytes != NULL);
	bytes[0] = VERSION;
	bytes[1] = (char)state->sort;
	memcpy(bytes + 4, &state->count, 4);
	if (state->length > 0)
		memcpy(bytes + HEAD_BYTES, state->bytes, state->length);
	code = writer->put(writer, &record, st);
	free(bytes);
	return code;
}

tr_code tr_operator_state_load(struct tr_operator_state *state, const struct tr_state_origin *origin, uint32_t subtask,
			       uint32_t subtask_count, const void *bytes, size_t length, struct tr_status *st)
{
	const char *at = bytes, *end = at + length;
	uint32_t count;

	TR_ASSERT(subtask < subtask_count);
	if (length < HEAD_BYTES || at[0] != VERSION || at[1] != (char)state->sort || at[2] != 0 || at[3] != 0)
		TR_FAIL(st, TR_ERR_DATA, "operator state: %zu bytes that are no record of sort %d", length,
			(int)state->sort);
	memcpy(&count, at + 4, 4);
	at += HEAD_BYTES;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t item;
		bool is_ours = true;

		if (end - at < 4)
			TR_FAIL(st, TR_ERR_DATA, "operator state: item %u of %u is cut off", i, count);
		memcpy(&item, at, 4);
		at += 4;
		if ((size_t)(end - at) < item)
			TR_FAIL(st, TR_ERR_DATA, "operator state: item %u of %u has %u bytes, %zu are left", i, count,
				item, (size_t)(end - at));
		if (state->sort == TR_OPERATOR_LIST)
			is_ours = ((uint64_t)origin->subtask + i) % subtask_count == subtask;
		else if (state->sort == TR_OPERATOR_BROADCAST)
			is_ours = origin->subtask == 0;
		if (is_ours)
			tr_operator_state_add(state, at, item);
		at += item;
	}
	if (at != end)
		TR_FAIL(st, TR_ERR_DATA, "operator state: %zu bytes after the last of %u items", (size_t)(end - at),
			count);
	return TR_OK;
}
