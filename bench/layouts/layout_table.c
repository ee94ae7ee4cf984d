/* SPDX-License-Identifier: Apache-2.0
 *
 * The table itself (state/table.h).
 */
#include "base/check.h"
#include "bench/layouts/layout.h"
#include "state/table.h"

struct value {
	int64_t count, sum;
};

static void *create(uint64_t keys)
{
	const struct tr_table_options options = {
		.value_bytes = sizeof(struct value), .expected = (uint32_t)keys, .group_count = 128, .group_end = 128};
	struct tr_table *table;

	TR_ASSERT(tr_table_create(&options, &table, NULL) == TR_OK);
	return table;
}

static void destroy(void *layout)
{
	struct tr_table *table = layout;

	tr_table_destroy(&table);
}

static void update(void *layout, const int64_t *keys, const int64_t *values, uint32_t count)
{
	void *found[TR_LAYOUT_BATCH];

	(void)tr_table_upsert_i64(layout, keys, count, found, NULL);
	for (uint32_t i = 0; i < count; i++) {
		struct value *v = found[i];

		v->count++;
		v->sum += values[i];
	}
}

static void barrier(void *layout, const struct tr_snapshot_order *order)
{
	uint64_t base;

	tr_table_snapshot(layout, order, &base);
}

static bool step(void *layout, struct tr_state_writer *writer, size_t budget)
{
	return tr_table_snapshot_step(layout, writer, budget) == TR_FLOW_MORE;
}

static tr_code load(void *layout, const void *bytes, size_t length)
{
	return tr_table_load(layout, bytes, length, NULL);
}

static size_t bytes(const void *layout) { return tr_table_bytes(layout); }

const struct tr_layout tr_layout_table = {.name = "table",
					  .create = create,
					  .destroy = destroy,
					  .update = update,
					  .barrier = barrier,
					  .step = step,
					  .load = load,
					  .bytes = bytes};
