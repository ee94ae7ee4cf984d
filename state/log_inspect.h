/* SPDX-License-Identifier: Apache-2.0
 *
 * What a log consists of, for people: `tailrace inspect`. Works on any open log; usually a read-only one, which takes no
 * lock, so that what is seen may be a moment old, or may change while it is being looked at.
 */
#ifndef TR_STATE_LOG_INSPECT_H
#define TR_STATE_LOG_INSPECT_H

#include "state/log.h"

/** One of the four copies of the root. Texts are static. */
struct tr_log_root_view {
	const char *file;
	uint64_t offset;
	const char *state; /* "whole", "empty", "damaged", "of another version" */
	const char *why;   /* it is not whole */
	uint64_t generation;
	uint64_t bytes;
	bool is_used; /* it is what the log went on from */
};

struct tr_log_segment_view {
	uint64_t number;
	uint64_t bytes;
	uint64_t needed_bytes; /* in extents of the newest root */
	bool is_missing;       /* named, and not there */
};

struct tr_log_extent_view {
	uint64_t segment, begin, end;
	uint64_t first, last; /* checkpoints */
};

struct tr_log_frame_view {
	uint64_t segment, offset;
	uint64_t checkpoint;
	struct tr_state_stream stream;
	const void *bytes; /* records (state/block.h); borrowed */
	size_t length;
};

typedef tr_code (*tr_log_frame_view_fn)(void *context, const struct tr_log_frame_view *frame, struct tr_status *st);

const char *tr_log_job_name(const struct tr_log *log);

struct tr_log_root_view tr_log_view_root(const struct tr_log *log, uint32_t copy); /* 0 to 3 */

/** Segments that are there or should be, by number; `index` from 0. False: there are no more. */
bool tr_log_view_segment(const struct tr_log *log, uint32_t index, struct tr_log_segment_view *view);

/** Extents of the newest root, in the order of the log. */
bool tr_log_view_extent(const struct tr_log *log, uint32_t index, struct tr_log_extent_view *view);

/** The frames of an extent, checked. TR_ERR_DATA names file and offset of damage. */
tr_code tr_log_view_frames(struct tr_log *log, uint32_t extent, tr_log_frame_view_fn fn, void *context,
			   struct tr_status *st);

#endif
