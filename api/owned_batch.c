/* SPDX-License-Identifier: Apache-2.0 */
#include "api/owned_batch.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/type.h"

struct tr_owned_batch *tr_owned_batch_create(const struct tr_schema *schema, uint32_t rows)
{
	struct tr_owned_batch *owned = tr_checked(calloc(1, sizeof(*owned)));
	struct tr_schema *copy;
	const struct tr_type **types;
	const char **names;

	tr_arena_init(&owned->arena, 0);
	copy = TR_NEW(&owned->arena, struct tr_schema);
	types = TR_NEW_ARRAY(&owned->arena, schema->column_count + 1, const struct tr_type *);
	names = TR_NEW_ARRAY(&owned->arena, schema->column_count + 1, const char *);
	for (uint32_t i = 0; i < schema->column_count; i++) {
		types[i] = tr_type_copy(&owned->arena, schema->types[i]);
		names[i] = tr_arena_printf(&owned->arena, "%s", schema->names[i]);
	}
	*copy = (struct tr_schema){schema->column_count, names, types};
	owned->buffer = tr_batch_buffer_create(copy, rows);
	tr_batch_buffer_clear(owned->buffer);
	return owned;
}

struct tr_owned_batch *tr_batch_copy(const struct tr_batch *batch)
{
	struct tr_owned_batch *owned = tr_owned_batch_create(batch->schema, TR_MAX(batch->selected_count, 1u));
	uint32_t count = 0, rows[256];

	for (uint32_t i = 0, n; i < batch->selected_count; i += n) {
		n = TR_MIN(batch->selected_count - i, (uint32_t)TR_COUNT_OF(rows));
		for (uint32_t k = 0; k < n; k++)
			rows[k] = tr_batch_row(batch, i + k);
		count = tr_batch_buffer_append(owned->buffer, count, batch, rows, n);
	}
	tr_batch_buffer_seal(owned->buffer, count);
	return owned;
}

const struct tr_batch *tr_owned_batch_get(const struct tr_owned_batch *owned) { return &owned->buffer->batch; }

void tr_owned_batch_release(struct tr_owned_batch **owned)
{
	if (*owned == NULL)
		return;
	tr_batch_buffer_destroy(&(*owned)->buffer);
	tr_arena_deinit(&(*owned)->arena);
	free(*owned);
	*owned = NULL;
}
