/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources in C: where rows come from.
 *
 * A source has splits (files, partitions, shards), numbered from 0; the rows of a split have one order and positions, which are numbers
 * that grow. A split is read by one subtask at a time; which one, and how many there are, is the engine's business.
 *
 *     read(split, position = 0)    ──▶ rows, position = 120           the engine keeps the positions of all splits in checkpoints
 *     read(split, position = 120)  ──▶ rows, position = 250, END      and asks again from there after a restart
 *
 * The one rule: what is read from a position on must be the same each time. A job over it is then exactly-once.
 */
#ifndef TAILRACE_SOURCE_H
#define TAILRACE_SOURCE_H

#include "tailrace/function.h"
#include "tailrace/watermark.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What `read` found. */
enum tr_read {
	TR_READ_MORE, /* rows perhaps, and there may be more at once */
	TR_READ_WAIT, /* nothing now: ask again when wake_ms have passed */
	TR_READ_END,  /* the split ends at the position; what was collected counts */
};

struct tr_source_reading {
	uint32_t split;
	int64_t position;  /* of the first row to read; `read` moves it behind the last row that it has collected */
	int64_t limit;     /* do not read beyond; INT64_MAX: there is no limit */
	uint32_t rows_max; /* collect no more than so many rows */
	int64_t watermark_ms; /* with has_watermarks: all later rows of the split have a time after it; for `read` to raise, also
				 when it has no rows. After a restart it begins at TR_WATERMARK_MIN */
	int64_t wake_ms; /* with TR_READ_WAIT */
};

struct tr_source_function {
	size_t struct_size;
	void *user;
	uint32_t split_count; /* at least 1 */
	bool is_unbounded;    /* its splits need not end */
	bool has_watermarks;  /* it says them itself, in `watermark_ms` */
	/* Name of a split for messages, or NULL. */
	const char *(*split_name)(void *user, uint32_t split);
	/* Once per subtask; *reader is given to `read` and close_reader. May be NULL. */
	tr_code (*open_reader)(void *user, uint32_t subtask, void **reader, struct tr_status *st);
	/* Reads rows of one split. Must not wait: TR_READ_WAIT is for that. */
	tr_code (*read)(void *user, void *reader, struct tr_source_reading *reading, struct tr_collector *out,
			enum tr_read *result, struct tr_status *st);
	void (*close_reader)(void *user, void *reader);
};

#ifdef __cplusplus
}
#endif
#endif
