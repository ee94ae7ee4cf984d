/* SPDX-License-Identifier: Apache-2.0
 *
 * Root: what a root file says, in memory. Made from bytes that may be anything, and turned into bytes. Internal to the log.
 */
#ifndef TR_STATE_LOG_ROOT_H
#define TR_STATE_LOG_ROOT_H

#include "base/bytes.h"
#include "state/log.h"
#include "state/log_format.h"

/** A place in the log, and the sum of the last frame before it. Places compare by segment, then offset. */
struct tr_log_place {
	uint64_t segment; /* 0: the log is empty */
	uint64_t offset;
	uint32_t crc;
};

/** A retained checkpoint; owns its parts. */
struct tr_log_entry {
	struct tr_log_checkpoint checkpoint; /* `parts` is the array below */
	struct tr_log_part *parts;
	struct tr_log_place end; /* after its last frame */
};

struct tr_log_root {
	uint64_t generation;
	unsigned char log_id[TR_LOG_ID_BYTES];
	const char *job_name;
	struct tr_log_entry *entries; /* newest first */
	uint32_t entry_count;
	struct tr_root_extent *extents; /* in the order of the log; of each segment at least one byte */
	uint32_t extent_count;
	struct tr_log_place end;
	char *texts; /* NULL: somebody else owns them */
};

/** What a copy of a root turned out to be. */
enum tr_root_state {
	TR_ROOT_WHOLE,
	TR_ROOT_EMPTY,   /* nothing was ever written there */
	TR_ROOT_DAMAGED, /* torn, or changed */
	TR_ROOT_NEWER    /* whole, but of a version that this program does not know */
};

/** Reads a copy. `why` gets the reason if it is not whole (static text). Only a whole one needs a deinit. */
enum tr_root_state tr_log_root_decode(const void *bytes, size_t length, struct tr_log_root *root, const char **why,
				      uint32_t *version);

/** Appends the bytes of a copy. TR_ERR_DATA: something has more than it may. */
tr_code tr_log_root_encode(const struct tr_log_root *root, struct tr_bytes *out, struct tr_status *st);

void tr_log_root_deinit(struct tr_log_root *root);

static inline int tr_log_place_compare(uint64_t segment_a, uint64_t offset_a, uint64_t segment_b, uint64_t offset_b)
{
	if (segment_a != segment_b)
		return segment_a < segment_b ? -1 : 1;
	return offset_a < offset_b ? -1 : offset_a > offset_b;
}

#endif
