/* SPDX-License-Identifier: Apache-2.0
 *
 * Group tables against a sorted list of keys: growth in the middle of a batch, colliding homes, key 0, NULL, reuse.
 */
#include "tr_test.h"

#include "base/check.h"
#include "state/group_table.h"

#define BATCH 700
#define KEYS_MAX 60000

struct model {
	int64_t keys[KEYS_MAX];
	int64_t counts[KEYS_MAX];
	int64_t sums[KEYS_MAX];
	uint32_t key_count;
};

static int64_t *words(char *entry) { return (int64_t *)(void *)entry; }

static int compare_keys(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/** Keys of one kind: dense, multiples of a power of two (equal low bits), equal high bits, extremes. */
static int64_t key_of(uint32_t kind, uint32_t n)
{
	switch (kind) {
	case 0: return (int64_t)n - 5;
	case 1: return (int64_t)((uint64_t)n << 32);
	case 2: return INT64_MIN + (int64_t)n;
	case 3: return (int64_t)n << 12;
	default: return (int64_t)((uint64_t)n * UINT64_C(0x9e3779b97f4a7c15));
	}
}

static uint32_t model_of(const struct model *m, int64_t key)
{
	const int64_t *at = bsearch(&key, m->keys, m->key_count, sizeof(key), compare_keys);

	assert_non_null(at);
	return (uint32_t)(at - m->keys);
}

static void assert_equal_model(const struct tr_group_table *table, const struct model *m, int64_t null_count)
{
	char *entries[97];
	uint64_t cursor = 0;
	uint32_t n, groups = 0, wanted = null_count != 0;

	while ((n = tr_group_table_scan(table, &cursor, 97, entries)) > 0) {
		for (uint32_t i = 0; i < n; i++, groups++) {
			uint32_t at;

			if (entries[i] == tr_group_table_null_entry(table)) {
				assert_int_equal(*words(entries[i]), null_count);
				continue;
			}
			at = model_of(m, tr_group_table_key(entries[i]));
			assert_int_equal(words(entries[i])[0], m->counts[at]);
			assert_int_equal(words(entries[i])[1], m->sums[at]);
		}
	}
	for (uint32_t i = 0; i < m->key_count; i++)
		wanted += m->counts[i] != 0;
	assert_int_equal(groups, wanted);
}

static void run(uint32_t kind, uint32_t key_count, uint32_t entry_bytes, uint32_t expected, uint32_t batches)
{
	struct model *m = calloc(1, sizeof(*m));
	struct tr_group_table table;
	uint64_t random = kind + key_count;
	uint32_t misses[BATCH + 1];
	int64_t keys[BATCH], null_count = 0;
	char *entries[BATCH];

	for (uint32_t i = 0; i < key_count; i++)
		m->keys[i] = key_of(kind, i);
	qsort(m->keys, key_count, sizeof(int64_t), compare_keys);
	m->key_count = key_count;
	tr_group_table_init(&table, entry_bytes, expected);
	for (uint32_t round = 0; round < 3; round++) {
		uint32_t used = 0;

		for (uint32_t b = 0; b < batches; b++) {
			const uint32_t count = 1 + tr_test_below(&random, BATCH);

			for (uint32_t i = 0; i < count; i++)
				keys[i] = key_of(kind, tr_test_below(&random, key_count));
			tr_group_table_find(&table, keys, count, entries, misses);
			for (uint32_t i = 0; i < count; i++) {
				const uint32_t at = model_of(m, keys[i]);

				assert_true(tr_group_table_key(entries[i]) == keys[i]);
				if (i % 50 == 49)
					continue; /* found, but left empty perhaps */
				words(entries[i])[0]++;
				words(entries[i])[1] += i;
				m->counts[at]++;
				m->sums[at] += i;
			}
			++*words(tr_group_table_null_entry(&table));
			null_count++;
		}
		assert_equal_model(&table, m, null_count);
		for (uint32_t i = 0; i < key_count; i++)
			used += m->counts[i] != 0;
		if (!tr_group_table_reset(&table, used + 1)) {
			tr_group_table_deinit(&table);
			tr_group_table_init(&table, entry_bytes, used);
		}
		memset(m->counts, 0, sizeof(m->counts));
		memset(m->sums, 0, sizeof(m->sums));
		null_count = 0;
		assert_equal_model(&table, m, 0);
	}
	tr_group_table_deinit(&table);
	free(m);
}

static void keys_of_all_kinds(void **state)
{
	for (uint32_t kind = 0; kind < 5; kind++) {
		run(kind, 10, 16, 0, 20);
		run(kind, 1000, 24, 0, 30);
		run(kind, 30000, 16, 0, 200);
		run(kind, 60000, 48, 500, 300);
		run(kind, 20000, 24, 700000, 60); /* larger than any cache: searched row by row */
	}
}

static void sizes_of_entries(void **state)
{
	for (uint32_t bytes = 16; bytes <= 72; bytes += 8)
		run(4, 3000, bytes, 3000, 20);
}

/** A key set that shrinks: the table must not keep what is not used. */
static void forgets_unused_keys(void **state)
{
	struct tr_group_table table;
	uint32_t misses[BATCH + 1];
	int64_t keys[BATCH];
	char *entries[BATCH];

	tr_group_table_init(&table, 8, 0);
	for (uint32_t i = 0; i < BATCH; i++)
		keys[i] = i * 7;
	tr_group_table_find(&table, keys, BATCH, entries, misses);
	assert_int_equal(table.occupied, BATCH - 1); /* key 0 has a place of its own */
	assert_true(tr_group_table_reset(&table, BATCH));
	assert_int_equal(table.occupied, BATCH - 1);
	assert_true(tr_group_table_reset(&table, BATCH / 2 - 20));
	assert_int_equal(table.occupied, 0);
	tr_group_table_find(&table, keys, 1, entries, misses);
	tr_group_table_find(&table, keys + 1, 1, entries, misses);
	assert_int_equal(*words(entries[0]), 0);
	assert_false(tr_group_table_reset(&table, 2));
	tr_group_table_deinit(&table);
	assert_null(table.places);
}

#define MANY 400000

/** All keys of a table, as it would be saved. */
static uint32_t keys_in_order(const struct tr_group_table *table, int64_t *keys)
{
	char *entries[97];
	uint64_t cursor = 0;
	uint32_t n, count = 0;

	while ((n = tr_group_table_scan(table, &cursor, 97, entries)) > 0)
		for (uint32_t i = 0; i < n; i++)
			keys[count++] = tr_group_table_key(entries[i]);
	return count;
}

/** Loads keys in this order, some of them twice, each with its number; the table has room for `expected` at first. */
static void load(struct tr_group_table *table, uint32_t entry_bytes, bool is_other, uint32_t expected,
		 const int64_t *keys, uint32_t count)
{
	char *entries[BATCH];
	uint32_t n;

	tr_group_table_init(table, entry_bytes, expected);
	tr_group_table_choose_order(table, is_other);
	for (uint32_t first = 0; first < count; first += n) {
		n = TR_MIN(BATCH, count - first);
		for (uint32_t pass = 0; pass < (first % 3 == 0 ? 2 : 1); pass++) {
			tr_group_table_find_loaded(table, keys + first, n, entries);
			for (uint32_t i = 0; i < n; i++) {
				assert_true(tr_group_table_key(entries[i]) == keys[first + i]);
				assert_int_equal(*words(entries[i]), pass == 0 ? 0 : first + i + 1);
				*words(entries[i]) = first + i + 1;
			}
		}
	}
	*words(tr_group_table_null_entry(table)) = -1;
}

static void check_loaded(struct tr_group_table *table, const int64_t *keys, uint32_t count)
{
	char *entries[BATCH];
	uint32_t misses[BATCH + 1], n;

	assert_int_equal(*words(tr_group_table_null_entry(table)), -1);
	assert_int_equal(table->occupied, count - 1); /* key 0 has a place of its own */
	for (uint32_t first = 0; first < count; first += n) {
		n = TR_MIN(BATCH, count - first);
		tr_group_table_find(table, keys + first, n, entries, misses);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(*words(entries[i]), first + i + 1);
	}
}

/** Keys come in the order of another table. With room for them they keep it; where far too few were expected the table changes
 * its order instead of filling from one end (which would take hours here). */
static void loads_in_order(void **state)
{
	static const uint32_t expected[] = {MANY, MANY - MANY / 10, MANY / 2, MANY / 9, 1000, 0};
	int64_t *keys = malloc(MANY * sizeof(*keys));
	uint32_t misses[BATCH + 1];
	char *entries[BATCH];

	assert_non_null(keys);
	for (uint32_t is_other = 0; is_other < 2; is_other++) {
		struct tr_group_table table;
		uint64_t factor;

		tr_group_table_init(&table, 8, 0);
		tr_group_table_choose_order(&table, is_other != 0);
		factor = table.factor;
		for (uint32_t k = 0; k < MANY; k++) {
			keys[0] = key_of(3, k);
			tr_group_table_find(&table, keys, 1, entries, misses);
			*words(entries[0]) = 1;
		}
		assert_int_equal(keys_in_order(&table, keys), MANY);
		tr_group_table_deinit(&table);
		for (uint32_t e = 0; e < TR_COUNT_OF(expected); e++) {
			load(&table, 8 + e % 4 * 8, is_other != 0, expected[e], keys, MANY);
			assert_true(e > 1 || table.factor == factor);
			assert_true(e < 3 || table.factor != factor);
			check_loaded(&table, keys, MANY);
			tr_group_table_deinit(&table);
			load(&table, 8, is_other == 0, expected[e], keys, MANY);
			assert_true(table.factor != factor);
			check_loaded(&table, keys, MANY);
			tr_group_table_deinit(&table);
		}
	}
	free(keys);
}

/** Records of a table's own order in which keys come again, at once or some rows later, and some are in another place. */
static void loads_what_is_nearly_in_order(void **state)
{
	int64_t *keys = malloc(MANY * sizeof(*keys)), *mixed = malloc(MANY * sizeof(*mixed));
	uint32_t misses[BATCH + 1], count;
	char *entries[BATCH];
	struct tr_group_table from, to;

	assert_true(keys != NULL && mixed != NULL);
	tr_group_table_init(&from, 8, MANY / 4);
	for (uint32_t k = 0; k < MANY / 4; k++) {
		keys[0] = key_of(3, k);
		tr_group_table_find(&from, keys, 1, entries, misses);
		*words(entries[0]) = 1;
	}
	count = keys_in_order(&from, keys);
	for (uint32_t every = 1; every <= 300; every = every * 3 + 1) {
		uint32_t n = 0, known;

		for (uint32_t k = 0; k < count; k++) {
			mixed[n++] = keys[k];
			if (k % every == 0)
				mixed[n++] = keys[k - TR_MIN(k, k / every % 7)];
			if (k % (every * 50) == 1)
				mixed[n++] = keys[(uint64_t)k * 7919 % count];
		}
		tr_group_table_init(&to, 8, count);
		for (uint32_t first = 0; first < n; first += BATCH) {
			tr_group_table_find_loaded(&to, mixed + first, TR_MIN(BATCH, n - first), entries);
			for (uint32_t i = 0; i < TR_MIN(BATCH, n - first); i++) {
				assert_true(tr_group_table_key(entries[i]) == mixed[first + i]);
				*words(entries[i]) += 1;
			}
		}
		known = to.occupied;
		assert_int_equal(known, from.occupied);
		for (uint32_t k = 0; k < n; k++) { /* each row has reached its key's only entry */
			tr_group_table_find(&to, mixed + k, 1, entries, misses);
			*words(entries[0]) -= 1;
		}
		assert_int_equal(to.occupied, known);
		for (uint32_t k = 0; k < count; k++) {
			tr_group_table_find(&to, keys + k, 1, entries, misses);
			assert_int_equal(*words(entries[0]), 0);
		}
		tr_group_table_deinit(&to);
	}
	tr_group_table_deinit(&from);
	free(keys);
	free(mixed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_all_kinds),
		cmocka_unit_test(sizes_of_entries),
		cmocka_unit_test(forgets_unused_keys),
		cmocka_unit_test(loads_in_order),
		cmocka_unit_test(loads_what_is_nearly_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
