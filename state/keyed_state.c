/* SPDX-License-Identifier: Apache-2.0
 *
 * See keyed_state.h.
 */
#include "state/keyed_state.h"

#include <string.h>

#include "base/check.h"

enum tr_flow tr_keyed_value_get(struct tr_table *table, const struct tr_table_key *key, struct tr_table_value *value)
{
	return tr_table_find(table, key, 1, value);
}

enum tr_flow tr_keyed_value_set(struct tr_table *table, const struct tr_table_key *key, const void *bytes,
				uint32_t length)
{
	return tr_table_put(table, key, bytes, length);
}

enum tr_flow tr_keyed_value_clear(struct tr_table *table, const struct tr_table_key *key)
{
	return tr_table_erase(table, key, 1);
}

static uint64_t number_of(const struct tr_sorted_row *row)
{
	uint64_t big_endian;

	TR_ASSERT(row->sort_length == sizeof(big_endian));
	memcpy(&big_endian, row->sort, sizeof(big_endian));
	return __builtin_bswap64(big_endian);
}

enum tr_flow tr_keyed_list_add(struct tr_sorted_table *list, const struct tr_table_key *key, const void *bytes,
			       uint32_t length)
{
	struct tr_sorted_row last;
	const enum tr_flow flow = tr_sorted_table_last(list, key, &last);
	const uint64_t number = __builtin_bswap64(last.bytes == NULL ? 0 : number_of(&last) + 1);
	const struct tr_sorted_row row = {&number, sizeof(number), bytes, length};

	return flow == TR_FLOW_MORE ? tr_sorted_table_put(list, key, &row) : flow;
}

enum tr_flow tr_keyed_list_get(struct tr_sorted_table *list, const struct tr_table_key *key, uint64_t *cursor,
			       uint32_t max, struct tr_table_value *elements, uint32_t *count)
{
	const uint64_t from = __builtin_bswap64(*cursor);
	struct tr_sorted_row rows[64];
	const enum tr_flow flow = tr_sorted_table_range(list, key, &from, sizeof(from), false,
							TR_MIN(max, (uint32_t)TR_COUNT_OF(rows)), rows, count);

	for (uint32_t i = 0; i < *count; i++) {
		memcpy(&elements[i].bytes, &rows[i].bytes, sizeof(void *));
		elements[i].length = rows[i].length;
	}
	if (*count > 0)
		*cursor = number_of(&rows[*count - 1]) + 1;
	return flow;
}

enum tr_flow tr_keyed_list_clear(struct tr_sorted_table *list, const struct tr_table_key *key)
{
	return tr_sorted_table_clear(list, key);
}

enum tr_flow tr_keyed_map_get(struct tr_sorted_table *map, const struct tr_table_key *key, const void *map_key,
			      uint32_t map_key_length, struct tr_table_value *value)
{
	struct tr_sorted_row row;
	const enum tr_flow flow = tr_sorted_table_seek(map, key, map_key, map_key_length, false, &row);

	*value = (struct tr_table_value){NULL, 0};
	if (row.bytes != NULL && row.sort_length == map_key_length && memcmp(row.sort, map_key, map_key_length) == 0) {
		memcpy(&value->bytes, &row.bytes, sizeof(void *));
		value->length = row.length;
	}
	return flow;
}

enum tr_flow tr_keyed_map_put(struct tr_sorted_table *map, const struct tr_table_key *key, const void *map_key,
			      uint32_t map_key_length, const void *bytes, uint32_t length)
{
	const struct tr_sorted_row row = {map_key, map_key_length, bytes, length};

	return tr_sorted_table_put(map, key, &row);
}

enum tr_flow tr_keyed_map_remove(struct tr_sorted_table *map, const struct tr_table_key *key, const void *map_key,
				 uint32_t map_key_length)
{
	return tr_sorted_table_erase(map, key, map_key, map_key_length, NULL);
}

enum tr_flow tr_keyed_map_clear(struct tr_sorted_table *map, const struct tr_table_key *key)
{
	return tr_sorted_table_clear(map, key);
}

enum tr_flow tr_keyed_fold_add(struct tr_table *table, const struct tr_fold *fold, const struct tr_table_key *key,
			       const void *added)
{
	struct tr_table_value value = {NULL, fold->bytes};
	bool is_first;
	const enum tr_flow flow = tr_table_upsert(table, key, 1, &value, &is_first);

	if (flow == TR_FLOW_MORE)
		fold->add(fold->context, value.bytes, is_first, added);
	return flow;
}

enum tr_flow tr_keyed_fold_get(struct tr_table *table, const struct tr_fold *fold, const struct tr_table_key *key,
			       void *result, bool *has)
{
	struct tr_table_value value;
	const enum tr_flow flow = tr_table_find(table, key, 1, &value);

	*has = flow == TR_FLOW_MORE && value.bytes != NULL;
	if (!*has)
		return flow;
	if (fold->result != NULL)
		fold->result(fold->context, value.bytes, result);
	else
		memcpy(result, value.bytes, fold->bytes);
	return flow;
}
