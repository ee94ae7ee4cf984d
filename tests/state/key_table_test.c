/* SPDX-License-Identifier: Apache-2.0
 *
 * Key tables against a list of the keys that each slot should have: growth, removal and reuse of slots, NULL keys, keys
 * that collide, the change from the direct index to hashed places; one column, and two (the form of records).
 */
#include "tr_test.h"

#include "base/batch.h"
#include "base/check.h"
#include "base/type.h"
#include "state/key_table.h"

#define BATCH 300
#define KEYS 5000

struct key {
	int64_t a;
	int32_t b;
	bool is_null; /* of a */
};

struct model {
	struct key keys[KEYS];
	uint32_t slots[KEYS];      /* UINT32_MAX: none */
	uint32_t owners[KEYS * 2]; /* by slot: key number plus one */
	uint32_t count;
};

static int64_t value_of(uint32_t kind, uint32_t n)
{
	switch (kind) {
	case 0: return (int64_t)n - 100;
	case 1: return (int64_t)((uint64_t)n << 32);
	case 2: return n < 200 ? (int64_t)n : INT64_MAX - (int64_t)n * 1000; /* direct at first */
	default: return (int64_t)((uint64_t)n * UINT64_C(0xd1342543de82ef95));
	}
}

static void map_batch(struct tr_key_table *table, struct model *m, const uint32_t *numbers, uint32_t count)
{
	int64_t a[BATCH];
	int32_t b[BATCH];
	uint64_t validity[(BATCH + 63) / 64];
	uint32_t slots[BATCH];
	struct tr_column first = {.type = tr_type_of(TR_TYPE_BIGINT), .data = a, .validity = validity};
	struct tr_column second = {.type = tr_type_of(TR_TYPE_INT), .data = b};
	const struct tr_column *const both[2] = {&first, &second};
	bool has_nulls = false;

	memset(validity, 0xff, sizeof(validity));
	for (uint32_t i = 0; i < count; i++) {
		const struct key *key = &m->keys[numbers[i]];

		a[i] = key->a;
		b[i] = key->b;
		if (key->is_null) {
			tr_bit_clear(validity, i);
			a[i] = (int64_t)i; /* must not be looked at */
			has_nulls = true;
		}
	}
	if (!has_nulls)
		first.validity = NULL;
	tr_key_table_map(table, both, NULL, count, slots);
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t n = numbers[i];

		assert_true(slots[i] < KEYS * 2);
		if (m->slots[n] == UINT32_MAX) {
			assert_int_equal(m->owners[slots[i]], 0);
			m->owners[slots[i]] = n + 1;
			m->slots[n] = slots[i];
			m->count++;
		}
		assert_int_equal(slots[i], m->slots[n]);
	}
	assert_int_equal(tr_key_table_count(table), m->count);
}

static void check_gather(const struct tr_key_table *table, const struct model *m, const struct tr_schema *schema)
{
	struct tr_batch_buffer *out = tr_batch_buffer_create(schema, BATCH);
	uint32_t numbers[BATCH], slots[BATCH], n = 0;

	for (uint32_t k = 0; k < KEYS && n < BATCH; k += 7)
		if (m->slots[k] != UINT32_MAX) {
			numbers[n] = k;
			slots[n++] = m->slots[k];
		}
	tr_batch_buffer_clear(out);
	tr_key_table_gather(table, slots, n, out->columns, 0, &out->heap);
	tr_batch_buffer_seal(out, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct key *key = &m->keys[numbers[i]];

		assert_int_equal(tr_column_is_null(&out->batch.columns[0], i), key->is_null);
		if (!key->is_null)
			assert_true(tr_column_i64(&out->batch.columns[0], i) == key->a);
		if (schema->column_count == 2)
			assert_int_equal(tr_column_i32(&out->batch.columns[1], i), key->b);
	}
	tr_batch_buffer_destroy(&out);
}

static void run(uint32_t kind, uint32_t columns)
{
	static const char *const names[] = {"a", "b"};
	const struct tr_type *types[2] = {tr_type_of(TR_TYPE_BIGINT), tr_type_of(TR_TYPE_INT)};
	const struct tr_schema schema = {columns, names, types};
	struct model *m = calloc(1, sizeof(*m));
	struct tr_key_table *table = NULL;
	uint64_t seed = kind * 2 + columns;
	uint32_t numbers[BATCH];

	for (uint32_t k = 0; k < KEYS; k++) {
		m->keys[k] = (struct key){value_of(kind, columns == 2 ? k / 2 : k), columns == 2 ? (int32_t)(k % 2) : 0,
					  false};
		m->slots[k] = UINT32_MAX;
	}
	m->keys[3].is_null = true;
	assert_int_equal(tr_key_table_create(types, columns, &table, NULL), TR_OK);
	for (uint32_t round = 0; round < 120; round++) {
		const uint32_t reach = TR_MIN((round + 1) * 100, (uint32_t)KEYS); /* more and more keys */

		for (uint32_t i = 0; i < BATCH; i++)
			numbers[i] = tr_test_below(&seed, reach);
		if (round >= 60 && tr_test_below(&seed, 20) == 0) /* more than will come: places beyond the cache */
			tr_key_table_expect(table, tr_test_below(&seed, 150000));
		map_batch(table, m, numbers, 1 + tr_test_below(&seed, BATCH));
		for (uint32_t i = 0; i < 60; i++) {
			const uint32_t k = tr_test_below(&seed, reach);

			if (m->slots[k] == UINT32_MAX)
				continue;
			tr_key_table_remove(table, m->slots[k]);
			m->owners[m->slots[k]] = 0;
			m->slots[k] = UINT32_MAX;
			m->count--;
		}
		assert_int_equal(tr_key_table_count(table), m->count);
		assert_true(tr_key_table_slot_limit(table) >= m->count);
		check_gather(table, m, &schema);
	}
	tr_key_table_clear(table);
	assert_int_equal(tr_key_table_count(table), 0);
	memset(m->owners, 0, sizeof(m->owners));
	memset(m->slots, 0xff, sizeof(m->slots));
	m->count = 0;
	for (uint32_t i = 0; i < BATCH; i++)
		numbers[i] = i;
	map_batch(table, m, numbers, BATCH);
	tr_key_table_destroy(&table);
	free(m);
}

static void one_column(void **state)
{
	for (uint32_t kind = 0; kind < 4; kind++)
		run(kind, 1);
}

static void two_columns(void **state)
{
	for (uint32_t kind = 0; kind < 4; kind++)
		run(kind, 2);
}

/** So many keys that their arrays are mapped, and grow by moving pages: nothing is lost of what lay there before. */
static void many(uint32_t columns)
{
	enum { COUNT = 400000, PIECE = 4000 };
	static const char *const names[] = {"a", "b"};
	const struct tr_type *types[2] = {tr_type_of(TR_TYPE_BIGINT), tr_type_of(TR_TYPE_BIGINT)};
	const struct tr_schema schema = {columns, names, types};
	struct tr_batch_buffer *out = tr_batch_buffer_create(&schema, PIECE);
	int64_t *a = malloc(PIECE * sizeof(*a));
	uint32_t *slots = malloc(PIECE * sizeof(*slots));
	const struct tr_column column = {.type = types[0], .data = a};
	const struct tr_column *const both[2] = {&column, &column};
	struct tr_key_table *table = NULL;

	assert_int_equal(tr_key_table_create(types, columns, &table, NULL), TR_OK);
	for (uint32_t round = 0; round < 2; round++) { /* new, and then known */
		for (uint32_t at = 0; at < COUNT; at += PIECE) {
			for (uint32_t i = 0; i < PIECE; i++)
				a[i] = value_of(3, at + i + 1);
			tr_key_table_map(table, both, NULL, PIECE, slots);
			for (uint32_t i = 0; i < PIECE; i++)
				assert_true(slots[i] == at + i);
			tr_batch_buffer_clear(out);
			tr_key_table_gather(table, slots, PIECE, out->columns, 0, &out->heap);
			for (uint32_t c = 0; c < columns; c++)
				assert_memory_equal(out->columns[c].data, a, PIECE * sizeof(*a));
		}
	}
	assert_int_equal(tr_key_table_count(table), COUNT);
	tr_key_table_destroy(&table);
	tr_batch_buffer_destroy(&out);
	free(a);
	free(slots);
}

static void many_keys(void **state)
{
	many(1);
	many(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_column),
		cmocka_unit_test(two_columns),
		cmocka_unit_test(many_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
