/* SPDX-License-Identifier: Apache-2.0
 *
 * Values as bytes: what is written is read back, equal values are equal bytes, and what was cut off is found out.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "base/column_buffer.h"
#include "base/text.h"
#include "base/type.h"
#include "core/ops/value_bytes.h"
#include "tr_test.h"

#define ROWS 200

/** A random value to row `at`, whose lists are filled row by row. */
static void draw(struct tr_column_buffer *c, uint32_t at, struct tr_heap *heap, uint64_t *seed)
{
	const size_t width = tr_phys_bytes((enum tr_phys)c->type->phys);

	if (tr_test_below(seed, 5) == 0) {
		tr_column_buffer_set_null(c, at);
		return;
	}
	switch ((enum tr_phys)c->type->phys) {
	case TR_PHYS_VIEW: {
		const uint32_t length = tr_test_below(seed, 30);
		char *kept = tr_arena_alloc_aligned(&heap->arena, 30, 1);

		for (uint32_t i = 0; i < length; i++)
			kept[i] = (char)('a' + tr_test_below(seed, 3));
		((struct tr_view *)c->data)[at] = tr_view_make(kept, length);
		return;
	}
	case TR_PHYS_LIST: {
		const uint32_t count = tr_test_below(seed, 4);

		for (uint32_t k = 0; k < c->child_count; k++) {
			tr_column_buffer_reserve(&c->children[k], c->children[k].length + count);
			for (uint32_t i = 0; i < count; i++)
				draw(&c->children[k], c->children[k].length++, heap, seed);
		}
		c->offsets[at + 1] = (int32_t)c->children[0].length;
		return;
	}
	case TR_PHYS_ROW:
		for (uint32_t k = 0; k < c->child_count; k++)
			draw(&c->children[k], at, heap, seed);
		return;
	default:
		for (size_t i = 0; i < width; i++)
			((char *)c->data)[at * width + i] = (char)tr_test_below(seed, 3);
	}
}

static void come_back(void **state)
{
	static const char *const names[] = {"a", "b"};
	struct tr_arena arena;
	struct tr_heap heap;
	uint64_t seed = 7;

	tr_arena_init(&arena, 0);
	tr_arena_init(&heap.arena, 0);
	const struct tr_type *integer = tr_type_of(TR_TYPE_INT), *text = tr_type_of(TR_TYPE_VARCHAR);
	const struct tr_type *wide = tr_type_decimal(&arena, 30, 2);
	const struct tr_type *pair[2] = {text, tr_type_array(&arena, wide)};
	const struct tr_type *row = tr_type_row(&arena, names, pair, 2);
	const struct tr_type *types[] = {integer,
					 text,
					 wide,
					 tr_type_of(TR_TYPE_BOOLEAN),
					 row,
					 tr_type_array(&arena, row),
					 tr_type_map(&arena, text, tr_type_array(&arena, integer)),
					 tr_type_multiset(&arena, text)};

	for (size_t t = 0; t < TR_COUNT_OF(types); t++) {
		struct tr_column_buffer from, to;
		struct tr_bytes bytes = {0}, before = {0}, after = {0}, again = {0};

		tr_column_buffer_init(&from, types[t], ROWS);
		tr_column_buffer_init(&to, types[t], ROWS);
		for (uint32_t i = 0; i < ROWS; i++)
			draw(&from, i, &heap, &seed);
		const struct tr_column source = tr_column_buffer_view(&from);

		for (uint32_t i = 0; i < ROWS; i++) {
			tr_bytes_clear(&bytes);
			tr_value_bytes_append(&bytes, &source, i);
			const char *end = bytes.data + bytes.length;

			assert_ptr_equal(tr_value_bytes_end(bytes.data, end, types[t]), end);
			for (const char *cut = bytes.data; cut < end; cut++)
				assert_null(tr_value_bytes_end(bytes.data, cut, types[t]));
			assert_ptr_equal(tr_value_bytes_take(bytes.data, &to, i, &heap), end);
		}
		const struct tr_column target = tr_column_buffer_view(&to);

		for (uint32_t i = 0; i < ROWS; i++) {
			tr_bytes_clear(&bytes);
			tr_bytes_clear(&before);
			tr_bytes_clear(&after);
			tr_bytes_clear(&again);
			tr_text_append_value(&before, &source, i, TR_TEXT_CAST, NULL);
			tr_text_append_value(&after, &target, i, TR_TEXT_CAST, NULL);
			assert_int_equal(before.length, after.length);
			assert_memory_equal(before.data, after.data, before.length);
			tr_value_bytes_append(&bytes, &source, i);
			tr_value_bytes_append(&again, &target, i);
			assert_int_equal(bytes.length, again.length);
			assert_memory_equal(bytes.data, again.data, bytes.length);
		}
		tr_column_buffer_deinit(&from);
		tr_column_buffer_deinit(&to);
		tr_bytes_deinit(&bytes);
		tr_bytes_deinit(&before);
		tr_bytes_deinit(&after);
		tr_bytes_deinit(&again);
	}
	tr_arena_deinit(&heap.arena);
	tr_arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(come_back)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
