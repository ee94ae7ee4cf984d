/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of tables read without a table: the newest of each key is what was put there; damaged records are refused, and nothing else.
 */
#include "tr_test.h"

#include "base/check.h"
#include "state/key_group.h"
#include "state/table_read.h"

#define KEYS 300
#define CHANGES 2000

struct record {
	char *bytes;
	size_t length;
};

struct written {
	struct tr_state_writer writer;
	struct record records[200];
	uint32_t count;
};

static tr_code put(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	struct written *w = (struct written *)writer;
	struct record *to = &w->records[w->count++];

	assert_true(w->count < TR_COUNT_OF(w->records));
	to->bytes = malloc(record->length);
	to->length = record->length;
	memcpy(to->bytes, record->bytes, record->length);
	return TR_OK;
}

/** A value's bytes follow from its number. */
static uint32_t length_of(bool has_byte_keys, int64_t value) { return has_byte_keys ? 8 + (uint32_t)(value % 40) : 12; }

static void change(struct tr_table *table, bool has_byte_keys, int64_t key, int64_t value)
{
	char text[32], bytes[64] = {0};
	const uint32_t length = (uint32_t)snprintf(text, sizeof(text), "key %lld", (long long)key);
	const struct tr_table_key by_bytes = tr_table_key_of(text, length);
	void *at;

	memcpy(bytes, &value, sizeof(value));
	if (has_byte_keys && value == 0)
		assert_int_equal(tr_table_erase(table, &by_bytes, 1), TR_FLOW_MORE);
	else if (has_byte_keys)
		assert_int_equal(tr_table_put(table, &by_bytes, bytes, length_of(true, value)), TR_FLOW_MORE);
	else if (value == 0)
		assert_int_equal(tr_table_erase_i64(table, &key, 1), TR_FLOW_MORE);
	else if (tr_table_upsert_i64(table, &key, 1, &at, NULL) == TR_FLOW_MORE)
		memcpy(at, bytes, 12);
}

static void read_all(const struct written *w, bool has_byte_keys, int64_t *values)
{
	for (uint32_t i = 0; i < w->count; i++) {
		struct tr_table_cursor cursor;
		struct tr_table_entry entry;
		struct tr_status st = {0};
		bool is_end;

		assert_int_equal(tr_table_cursor_open(&cursor, w->records[i].bytes, w->records[i].length, &st), TR_OK);
		assert_int_equal(cursor.has_byte_keys, has_byte_keys);
		while (tr_table_cursor_next(&cursor, &entry, &is_end, &st) == TR_OK && !is_end) {
			int64_t key = entry.integer;
			char text[32] = "";

			if (has_byte_keys) {
				memcpy(text, entry.key.bytes, entry.key.length);
				key = strtoll(text + 4, NULL, 10);
			}
			values[key] = 0;
			if (cursor.is_dead)
				continue;
			memcpy(&values[key], entry.value.bytes, sizeof(int64_t));
			assert_int_equal(entry.value.length, length_of(has_byte_keys, values[key]));
		}
		assert_true(is_end);
	}
}

static void damage(const struct written *w, uint64_t *seed)
{
	for (uint32_t i = 0; i < 3000; i++) {
		const struct record *of = &w->records[tr_test_below(seed, w->count)];
		const size_t length =
			tr_test_below(seed, 2) == 0 ? of->length : tr_test_below(seed, (uint32_t)of->length);
		char *bytes = malloc(length + 1);
		struct tr_table_cursor cursor;
		struct tr_table_entry entry;
		bool is_end = false;

		memcpy(bytes, of->bytes, length);
		for (uint32_t k = 0; length > 0 && k < 3; k++)
			bytes[tr_test_below(seed, (uint32_t)TR_MIN(length, (size_t)60))] =
				(char)tr_test_below(seed, 256);
		bytes = realloc(bytes, TR_MAX(length, (size_t)1)); /* so that a sanitizer sees who reads on */
		if (tr_table_cursor_open(&cursor, bytes, length, NULL) == TR_OK)
			while (!is_end && tr_table_cursor_next(&cursor, &entry, &is_end, NULL) == TR_OK)
				;
		free(bytes);
	}
}

static void test_read(void **state)
{
	for (uint32_t form = 0; form < 4; form++) {
		const struct tr_table_options options = {.has_byte_keys = form & 1,
							 .value_bytes = form & 1 ? 0 : 12,
							 .group_count = TR_KEY_GROUPS_DEFAULT,
							 .group_end = TR_KEY_GROUPS_DEFAULT,
							 .ttl_ms = form & 2 ? 1000000 : 0};
		struct written w = {.writer = {.put = put}};
		int64_t model[KEYS] = {0}, found[KEYS] = {0};
		uint64_t seed = form + 1, base;
		struct tr_table *table;

		assert_int_equal(tr_table_create(&options, &table, NULL), TR_OK);
		for (uint64_t checkpoint = 1; checkpoint <= 5; checkpoint++) {
			const struct tr_snapshot_order order = {.checkpoint = checkpoint, .completed = checkpoint - 1};

			for (uint32_t i = 0; i < CHANGES / 5; i++) {
				const int64_t key = tr_test_below(&seed, KEYS);

				model[key] = tr_test_below(&seed, 4) == 0 ? 0 : 1 + tr_test_below(&seed, 100000);
				change(table, options.has_byte_keys, key, model[key]);
			}
			base = tr_state_age(checkpoint);
			tr_table_snapshot(table, &order, &base);
			while (tr_table_snapshot_step(table, &w.writer, 1000) != TR_FLOW_DONE)
				;
		}
		read_all(&w, options.has_byte_keys, found);
		assert_memory_equal(found, model, sizeof(model));
		damage(&w, &seed);
		tr_table_destroy(&table);
		while (w.count > 0)
			free(w.records[--w.count].bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_read)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
