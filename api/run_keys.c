/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_keys.h.
 */
#include "api/run_keys.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/type.h"
#include "core/ops/window_codec.h"
#include "state/timer_state.h"

void tr_run_keys_init(struct tr_run_keys *keys, const struct tr_schema *input, const struct tr_key_columns *columns)
{
	const struct tr_type *const *types = input->types;
	const struct tr_type **key_types;
	const char **names;

	memset(keys, 0, sizeof(*keys));
	keys->input = input;
	keys->columns = columns->columns;
	keys->column_count = columns->count;
	keys->is_integer = columns->count == 1 && types[columns->columns[0]]->phys >= TR_PHYS_I8 &&
			   types[columns->columns[0]]->phys <= TR_PHYS_I64;
	key_types = tr_checked(calloc(columns->count + 1, sizeof(*key_types)));
	names = tr_checked(calloc(columns->count + 1, sizeof(*names)));
	for (uint32_t k = 0; k < columns->count; k++) {
		key_types[k] = types[columns->columns[k]];
		names[k] = input->names[columns->columns[k]];
	}
	keys->schema = (struct tr_schema){columns->count, names, key_types};
	keys->views = tr_checked(calloc(columns->count + 1, sizeof(*keys->views)));
	keys->single_bytes = tr_checked(malloc(TR_TIMER_KEY_BYTES_MAX));
}

void tr_run_keys_deinit(struct tr_run_keys *keys)
{
	free(keys->ints);
	free(keys->keys);
	free(keys->hashes);
	free(keys->offsets);
	free(keys->views);
	free(keys->single_bytes);
	tr_bytes_deinit(&keys->text);
	tr_batch_buffer_destroy(&keys->single);
	free((void *)(uintptr_t)keys->schema.types);
	free((void *)(uintptr_t)keys->schema.names);
}

static void make_room(struct tr_run_keys *keys, uint32_t count)
{
	if (count <= keys->room)
		return;
	keys->room = TR_MAX(count, 2 * keys->room);
	keys->ints = tr_checked(realloc(keys->ints, keys->room * sizeof(*keys->ints)));
	keys->keys = tr_checked(realloc(keys->keys, keys->room * sizeof(*keys->keys)));
	keys->hashes = tr_checked(realloc(keys->hashes, keys->room * sizeof(*keys->hashes)));
	keys->offsets = tr_checked(realloc(keys->offsets, (keys->room + 1) * sizeof(*keys->offsets)));
}

static tr_code check_nulls(const struct tr_run_keys *keys, const struct tr_batch *batch, struct tr_status *st)
{
	for (uint32_t k = 0; k < keys->column_count; k++) {
		const struct tr_column *column = &keys->views[k];

		for (uint32_t i = 0; column->validity != NULL && i < batch->selected_count; i++)
			if (tr_column_is_null(column, tr_batch_row(batch, i)))
				TR_FAIL(st, TR_ERR_DATA,
					"the key column '%s' is NULL; leave such rows out before key_by, or give them "
					"a "
					"value",
					keys->schema.names[k]);
	}
	return TR_OK;
}

#define COPY_INTS(type)                                                    \
	do {                                                               \
		const type *data = column->data;                           \
		if (column->is_constant) {                                 \
			for (uint32_t i = 0; i < n; i++)                   \
				keys->ints[i] = data[0];                   \
		} else if (batch->selection != NULL) {                     \
			for (uint32_t i = 0; i < n; i++)                   \
				keys->ints[i] = data[batch->selection[i]]; \
		} else {                                                   \
			for (uint32_t i = 0; i < n; i++)                   \
				keys->ints[i] = data[i];                   \
		}                                                          \
	} while (0)

static void take_ints(struct tr_run_keys *keys, const struct tr_batch *batch)
{
	const struct tr_column *column = &keys->views[0];
	const uint32_t n = batch->selected_count;

	switch (column->type->phys) {
	case TR_PHYS_I8: COPY_INTS(int8_t); break;
	case TR_PHYS_I16: COPY_INTS(int16_t); break;
	case TR_PHYS_I32: COPY_INTS(int32_t); break;
	case TR_PHYS_I64: COPY_INTS(int64_t); break;
	default: TR_UNREACHABLE();
	}
	for (uint32_t i = 0; i < n; i++)
		keys->keys[i] = (struct tr_table_key){&keys->ints[i], sizeof(int64_t),
						      (uint32_t)(tr_hash_u64((uint64_t)keys->ints[i]) >> 32)};
}

static tr_code take_bytes(struct tr_run_keys *keys, const struct tr_batch *batch, struct tr_status *st)
{
	const struct tr_column *columns[TR_COLUMNS_MAX];

	for (uint32_t k = 0; k < keys->column_count; k++) {
		columns[k] = &keys->views[k];
		(k == 0 ? tr_hash_column : tr_hash_column_combine)(columns[k], batch->selection, batch->selected_count,
								   keys->hashes);
	}
	if (keys->column_count == 0) /* all rows have the one key */
		memset(keys->hashes, 0, batch->selected_count * sizeof(*keys->hashes));
	tr_bytes_clear(&keys->text);
	(void)tr_bytes_reserve(&keys->text, 1);
	tr_window_keys_write(columns, keys->column_count, batch->selection, batch->selected_count, &keys->text,
			     keys->offsets);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t length = keys->offsets[i + 1] - keys->offsets[i];

		if (length > TR_TIMER_KEY_BYTES_MAX)
			TR_FAIL(st, TR_ERR_DATA, "a key has %u bytes; %d are the most", length, TR_TIMER_KEY_BYTES_MAX);
		keys->keys[i] = (struct tr_table_key){keys->text.data + keys->offsets[i], length,
						      (uint32_t)(keys->hashes[i] >> 32)};
	}
	return TR_OK;
}

tr_code tr_run_keys_take(struct tr_run_keys *keys, const struct tr_batch *batch, struct tr_status *st)
{
	make_room(keys, batch->selected_count);
	keys->count = batch->selected_count;
	for (uint32_t k = 0; k < keys->column_count; k++)
		keys->views[k] = batch->columns[keys->columns[k]];
	keys->view = *batch;
	keys->view.schema = &keys->schema;
	keys->view.columns = keys->views;
	TR_TRY(check_nulls(keys, batch, st));
	if (!keys->is_integer)
		return take_bytes(keys, batch, st);
	take_ints(keys, batch);
	return TR_OK;
}

const struct tr_run_key *tr_run_keys_set_single(struct tr_run_keys *keys, const struct tr_table_key *key)
{
	memcpy(keys->single_bytes, key->bytes, key->length);
	keys->timer_key.bytes = *key;
	keys->timer_key.bytes.bytes = keys->single_bytes;
	if (keys->is_integer)
		memcpy(&keys->timer_key.integer, keys->single_bytes, sizeof(int64_t));
	if (keys->single != NULL)
		tr_batch_buffer_clear(keys->single);
	return &keys->timer_key;
}

static void write_int(struct tr_column_buffer *column, int64_t value)
{
	memcpy(column->data, &value, tr_phys_bytes((enum tr_phys)column->type->phys)); /* little endian */
}

struct tr_row tr_run_keys_row(struct tr_run_keys *keys, bool is_single, uint32_t row)
{
	if (!is_single)
		return (struct tr_row){&keys->view, row};
	if (keys->single == NULL)
		keys->single = tr_batch_buffer_create(&keys->schema, 1);
	if (keys->single->batch.row_count == 0) {
		if (keys->is_integer)
			write_int(&keys->single->columns[0], keys->timer_key.integer);
		else
			tr_window_key_read(keys->single_bytes, keys->single->columns, keys->column_count, 0,
					   &keys->single->heap);
		tr_batch_buffer_seal(keys->single, 1);
	}
	return (struct tr_row){&keys->single->batch, 0};
}
