/* SPDX-License-Identifier: Apache-2.0
 * Allocations don't overlap, are aligned, survive growth, and reset reuses the memory.
 */
#include "tr_test.h"

#include "base/arena.h"

static void allocations_are_aligned_and_apart(void **state)
{
	enum { COUNT = 5000 };
	static unsigned char *pointers[COUNT];
	static size_t sizes[COUNT];
	struct tr_arena arena;
	uint64_t seed = 1;

	tr_arena_init(&arena, 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < COUNT; i++) {
			const size_t align = (size_t)1 << tr_test_below(&seed, 8);

			sizes[i] = tr_test_below(&seed, i % 500 == 0 ? 100000 : 200);
			pointers[i] = tr_arena_alloc_aligned(&arena, sizes[i], align);
			assert_int_equal((uintptr_t)pointers[i] % align, 0);
			memset(pointers[i], i & 0xff, sizes[i]);
		}
		for (int i = 0; i < COUNT; i++)
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(pointers[i][k], i & 0xff);
		tr_arena_reset(&arena);
	}
	tr_arena_deinit(&arena);
}

static void a_warm_arena_does_not_grow(void **state)
{
	struct tr_arena arena;
	size_t total = 0;
	void *first = NULL;

	tr_arena_init(&arena, 1000);
	for (int round = 0; round < 4; round++) {
		void *p = tr_arena_alloc(&arena, 10);

		if (round > 0) {
			assert_ptr_equal(p, first);
			assert_int_equal(arena.total_bytes, total);
		}
		first = p;
		for (int i = 0; i < 1000; i++)
			tr_arena_alloc(&arena, 100);
		tr_arena_alloc(&arena, 3000000);
		if (round > 0)
			assert_int_equal(arena.total_bytes, total);
		total = arena.total_bytes;
		tr_arena_reset(&arena);
	}
	tr_arena_deinit(&arena);
	assert_int_equal(arena.total_bytes, 0);
	assert_non_null(tr_arena_alloc(&arena, 1)); /* may be used again */
	tr_arena_deinit(&arena);
}

static void zeroed_memory_is_an_arena(void **state)
{
	struct tr_arena arena = {0};
	const long *numbers = TR_NEW_ARRAY(&arena, 1000, long);

	for (int i = 0; i < 1000; i++)
		assert_int_equal(numbers[i], 0);
	tr_arena_deinit(&arena);
}

static void copies_and_formats_text(void **state)
{
	struct tr_arena arena;
	char *text;

	tr_arena_init(&arena, 16);
	assert_string_equal(tr_arena_strndup(&arena, "abcdef", 3), "abc");
	assert_string_equal(tr_arena_strndup(&arena, NULL, 0), "");
	assert_string_equal(tr_arena_strdup(&arena, "hello"), "hello");
	text = tr_arena_printf(&arena, "%s-%05d-%0500d", "x", 42, 7);
	assert_int_equal(strlen(text), 2 + 5 + 1 + 500);
	assert_memory_equal(text, "x-00042-000", 11);
	tr_arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allocations_are_aligned_and_apart),
		cmocka_unit_test(a_warm_arena_does_not_grow),
		cmocka_unit_test(zeroed_memory_is_an_arena),
		cmocka_unit_test(copies_and_formats_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
