/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregates that keep values, at the sizes where they end: the job is failed, with an empty value in the result's place.
 */
#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "core/ops/agg.h"
#include "core/ops/agg_bag.h"
#include "core/ops/value_bytes.h"
#include "tr_test.h"

/** An entry with one accumulator. */
struct fixture {
	struct tr_arena arena;
	struct tr_heap heap;
	struct tr_status failure;
	struct tr_agg_params params;
	struct tr_agg_slot slot;
	size_t owned;
	uint64_t entry[1];
	char *entries[1];
	struct tr_column_buffer out;
};

static void begin(struct fixture *f, const struct tr_type *type)
{
	memset(f, 0, sizeof(*f));
	tr_arena_init(&f->arena, 0);
	tr_arena_init(&f->heap.arena, 0);
	f->slot = (struct tr_agg_slot){.type = type, .params = &f->params, .owned = &f->owned, .failure = &f->failure};
	f->entries[0] = (char *)f->entry;
	tr_column_buffer_init(&f->out, type, 1);
}

static void end(struct fixture *f)
{
	tr_bag_release(&f->slot, f->entries, 1);
	assert_int_equal(f->owned, 0);
	tr_column_buffer_deinit(&f->out);
	tr_arena_deinit(&f->heap.arena);
	tr_arena_deinit(&f->arena);
}

static const struct tr_agg *find(const char *name)
{
	const struct tr_agg *agg = tr_agg_collects;

	while (strcmp(agg->name, name) != 0)
		agg++;
	return agg;
}

/** COLLECT of values that come more often than a list can have elements, in one of them or in all. */
static void test_collect_of_too_many(void **state)
{
	static const int64_t times[][2] = {{INT64_C(3000000000), 1}, {2, INT32_MAX - 1}, {INT64_MAX, INT64_MAX}};

	for (uint32_t c = 0; c < TR_COUNT_OF(times); c++) {
		struct fixture f;
		const struct tr_type *element = tr_type_of(TR_TYPE_INT);
		const int32_t values[] = {7, 8};
		const struct tr_column column = {.type = element, .data = values};
		struct tr_type type = {
			.id = TR_TYPE_MULTISET, .phys = TR_PHYS_LIST, .child_count = 1, .children = &element};

		begin(&f, &type);
		for (uint32_t i = 0; i < 2; i++) {
			struct tr_bytes bytes = {0};

			tr_value_bytes_append(&bytes, &column, i);
			tr_bag_add(&f.slot, f.entries[0], TR_BAG_COUNTED, times[c][i], bytes.data, bytes.length);
			tr_bytes_deinit(&bytes);
		}
		find("COLLECT")->finish(&f.slot, f.entries, 1, &f.out, 0, &f.heap);
		assert_int_equal(f.failure.code, TR_ERR_DATA);
		assert_int_equal(f.out.offsets[1], 0);
		end(&f);
	}
}

/** An element, and a partial, of more than 2 GiB; the bytes are never looked at. */
static void test_bag_of_too_many_bytes(void **state)
{
	const size_t length = (size_t)INT32_MAX + 1;
	struct tr_column_buffer columns[2];
	struct tr_bag *bag;
	struct fixture f;

	begin(&f, tr_type_of(TR_TYPE_VARCHAR));
	tr_column_buffer_init(&columns[0], tr_type_of(TR_TYPE_VARBINARY), 1);
	tr_column_buffer_init(&columns[1], tr_type_of(TR_TYPE_BIGINT), 1);
	tr_bag_add(&f.slot, f.entries[0], TR_BAG_LIST, 1, "", length);
	assert_int_equal(f.failure.code, TR_ERR_DATA);
	assert_false(tr_bag_is_owner(&f.slot, f.entries[0]));

	memset(&f.failure, 0, sizeof(f.failure));
	tr_bag_add(&f.slot, f.entries[0], TR_BAG_LIST, 1, "x", 1);
	memcpy(&bag, f.entries[0], sizeof(bag));
	bag->bytes.length += length;
	tr_bag_write(&f.slot, f.entries, 1, columns, 0, &f.heap);
	bag->bytes.length -= length;
	assert_int_equal(f.failure.code, TR_ERR_DATA);
	assert_int_equal(((const struct tr_view *)columns[0].data)->length, 0);
	assert_int_equal(*(const int64_t *)columns[1].data, 0);
	tr_column_buffer_deinit(&columns[0]);
	tr_column_buffer_deinit(&columns[1]);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_collect_of_too_many),
					   cmocka_unit_test(test_bag_of_too_many_bytes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
