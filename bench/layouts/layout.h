/* SPDX-License-Identifier: Apache-2.0
 *
 * Layouts for keyed entries, compared by tailrace-bench-layout (docs/decisions/0010-table-layout.md): int64 key -> count, sum.
 */
#ifndef TR_BENCH_LAYOUTS_LAYOUT_H
#define TR_BENCH_LAYOUTS_LAYOUT_H

#include "base/state_record.h"

#define TR_LAYOUT_BATCH 2048

struct tr_layout {
	const char *name;
	void *(*create)(uint64_t keys);
	void (*destroy)(void *layout);
	/* count++ and sum += value for each of up to TR_LAYOUT_BATCH keys. */
	void (*update)(void *layout, const int64_t *keys, const int64_t *values, uint32_t count);
	/* NULL: cannot be written down. */
	void (*barrier)(void *layout, const struct tr_snapshot_order *order);
	bool (*step)(void *layout, struct tr_state_writer *writer, size_t budget); /* false: that was all */
	tr_code (*load)(void *layout, const void *bytes, size_t length);
	size_t (*bytes)(const void *layout);
};

extern const struct tr_layout tr_layout_plain; /* one array of 32-byte entries, no persistence */
extern const struct tr_layout tr_layout_log;   /* an index of 8-byte words over a log of records, its tail mutable */
extern const struct tr_layout tr_layout_flat;  /* one array of 32-byte entries with stamps */
extern const struct tr_layout tr_layout_table; /* state/table.h: the same entries in pages of 2,048 */

#endif
