/* SPDX-License-Identifier: Apache-2.0
 *
 * Slices, dense and sparse, against an array by slot: entries keep what they hold while others come, when a sparse slice
 * turns dense, and are zero again after the chunks have gone back to the pool.
 */
#include "tr_test.h"

#include "base/check.h"
#include "state/slice.h"

#define SLOTS 20000
#define BATCH 200

static int64_t *words(char *entry) { return (int64_t *)(void *)entry; }

static void add(struct tr_slice_pool *pool, struct tr_slice *slice, int64_t *model, uint64_t *seed, uint32_t slot_limit)
{
	uint32_t slots[BATCH], fresh[BATCH], n = 0;
	char *entries[BATCH];

	for (uint32_t i = 0; i < BATCH; i++)
		slots[i] = tr_test_below(seed, slot_limit);
	tr_slice_resolve(pool, slice, slots, BATCH, entries);
	for (uint32_t i = 0; i < BATCH; i++) {
		int64_t *entry = words(entries[i]);

		assert_true(entry[0] == model[slots[i]]);
		assert_true(entry[pool->stride / 8 - 1] == model[slots[i]]);
		if (model[slots[i]] == 0)
			fresh[n++] = slots[i];
		entry[0]++;
		entry[pool->stride / 8 - 1] = entry[0];
		model[slots[i]]++;
	}
	tr_slice_touch(slice, fresh, n);
}

static void check_scan(const struct tr_slice_pool *pool, const struct tr_slice *slice, const int64_t *model,
		       uint32_t max)
{
	static bool is_seen[SLOTS];
	uint32_t slots[300], cursor = 0, n, seen = 0, wanted = 0;
	char *entries[300];

	memset(is_seen, 0, sizeof(is_seen));
	while ((n = tr_slice_scan(pool, slice, &cursor, max, slots, entries)) > 0) {
		assert_true(n <= max);
		for (uint32_t i = 0; i < n; i++, seen++) {
			assert_true(slots[i] < SLOTS && model[slots[i]] > 0 && !is_seen[slots[i]]);
			assert_true(*words(entries[i]) == model[slots[i]]);
			is_seen[slots[i]] = true;
		}
	}
	for (uint32_t s = 0; s < SLOTS; s++)
		wanted += model[s] != 0;
	assert_int_equal(seen, wanted);
	assert_int_equal(slice->count, wanted);
}

/* Batches that end within a word of 64 entries, at its end, and beyond it. */
static void check(const struct tr_slice_pool *pool, const struct tr_slice *slice, const int64_t *model)
{
	static const uint32_t sizes[] = {1, 33, 64, 100, 300};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		check_scan(pool, slice, model, sizes[i]);
}

static void run(bool is_dense, uint32_t stride, uint32_t slot_limit)
{
	int64_t *model = calloc(SLOTS, sizeof(*model));
	struct tr_slice_pool pool;
	struct tr_slice slice;
	uint64_t seed = stride + slot_limit;

	tr_slice_pool_init(&pool, stride);
	tr_slice_init(&slice, is_dense);
	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t b = 0; b < 20u << round; b++)
			add(&pool, &slice, model, &seed, slot_limit);
		check(&pool, &slice, model);
		if (!slice.is_dense && round == 2) {
			tr_slice_densify(&pool, &slice);
			assert_true(slice.is_dense);
			check(&pool, &slice, model);
			add(&pool, &slice, model, &seed, slot_limit);
		}
		if (round == 1) {
			tr_slice_keep_slots(&pool, &slice);
			assert_int_equal(slice.touched_count, slice.count);
			for (uint32_t i = 0; i < slice.touched_count; i++)
				assert_true(model[slice.touched[i]] > 0);
		}
		if (round % 2 == 0) {
			tr_slice_clear(&pool, &slice);
			memset(model, 0, SLOTS * sizeof(*model));
			check(&pool, &slice, model);
		}
	}
	tr_slice_deinit(&pool, &slice);
	tr_slice_pool_deinit(&pool);
	free(model);
}

static void dense(void **state)
{
	run(true, 8, 100);
	run(true, 8, SLOTS);
	run(true, 40, SLOTS);
}

static void sparse(void **state)
{
	run(false, 8, 100);
	run(false, 16, SLOTS);
	run(false, 40, SLOTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dense),
		cmocka_unit_test(sparse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
