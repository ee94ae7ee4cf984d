/* SPDX-License-Identifier: Apache-2.0
 *
 * Log format: the bytes of segments and roots, as docs/FORMATS.md tells them. Internal to the log.
 *
 *     segment   | head 64 | frame | frame | ..                    frame   | head 64 | block bytes, a multiple of 8 |
 *     root      | copy, at 0 |  ..  | the same, at TR_ROOT_STRIDE |
 *     copy      | head 128 | checkpoints | parts | extents | texts |
 *
 * Each head has a check sum of everything that belongs to it, taken with its own field as zero. A frame's covers the number of
 * its segment and its offset too, so that bytes that went to the wrong place are found; and each frame names the sum
 * of the one before it in the log, and a root that of the last one, so that a frame that never reached the disk is
 * found although an older, whole one lies in its place. Numbers are little endian, as the machine has them.
 */
#ifndef TR_STATE_LOG_FORMAT_H
#define TR_STATE_LOG_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/crc32c.h"
#include "state/log.h"

#define TR_LOG_ID_BYTES 16

#define TR_SEGMENT_MAGIC "TRLSEGMT"
#define TR_ROOT_MAGIC "TRLROOT\n"
#define TR_FRAME_MAGIC UINT32_C(0x4d415246) /* "FRAM" */
#define TR_FRAME_BLOCK 1                    /* type: the records of a stream (state/block.h) */

#define TR_ROOT_STRIDE ((size_t)4 << 20) /* where the second copy begins; so large can a root be */
#define TR_LOG_EXTENTS_MAX 8192
#define TR_LOG_CHECKPOINT_MAX (UINT64_MAX >> TR_STATE_AGE_BITS)
#define TR_LOG_PARTS_MAX ((uint32_t)1 << 16) /* over all retained checkpoints */
#define TR_LOG_TEXT_BYTES_MAX ((size_t)1 << 20)
#define TR_FRAME_BYTES_MAX \
	(TR_STATE_RECORD_BYTES_MAX + ((size_t)1 << 20)) /* a record of the greatest size, and its head */

struct tr_segment_head {
	char magic[8];
	uint32_t version;
	uint32_t crc;
	unsigned char log_id[TR_LOG_ID_BYTES];
	uint64_t number;
	uint64_t checkpoint; /* for which it was made */
	uint64_t reserved[2];
};

struct tr_frame_head {
	uint32_t magic;
	uint32_t crc;
	uint32_t previous; /* sum of the frame before it */
	uint16_t type;
	uint16_t flags;
	uint64_t segment;
	uint64_t offset;
	uint64_t checkpoint;
	uint64_t operator_id;
	uint32_t subtask;
	uint32_t subtask_count;
	uint32_t length; /* of what follows */
	uint32_t reserved;
};
_Static_assert(sizeof(struct tr_segment_head) == 64, "as docs/FORMATS.md says");
_Static_assert(sizeof(struct tr_frame_head) == 64, "as docs/FORMATS.md says");
_Static_assert(sizeof(struct tr_frame_head) == TR_STATE_BLOCK_HEAD, "a block has room for it");

/** The first 32 bytes are the same in every version, so that any version can tell that a root is whole. */
struct tr_root_head {
	char magic[8];
	uint32_t version;
	uint32_t crc;
	uint64_t generation; /* one more with every commit; even ones lie in root-0, odd ones in root-1 */
	uint32_t bytes;      /* of the whole copy */
	uint32_t reserved0;
	unsigned char log_id[TR_LOG_ID_BYTES];
	uint32_t job_name; /* texts are offsets into the last part */
	uint32_t checkpoint_count;
	uint32_t part_count;
	uint32_t extent_count;
	uint32_t text_bytes;
	uint32_t reserved1;
	uint64_t end_segment; /* where the log ends */
	uint64_t end_offset;
	uint32_t end_crc;
	uint32_t reserved2;
	uint64_t reserved3[4];
};

#define TR_ROOT_FINAL 1    /* flag of a checkpoint */
#define TR_ROOT_FINISHED 1 /* flag of a part */

struct tr_root_checkpoint {
	uint64_t number;
	int64_t completed_ms;
	int64_t wall_ms;
	uint64_t bytes;
	uint64_t end_segment;
	uint64_t end_offset;
	uint32_t end_crc;
	uint32_t part_count;
	uint32_t flags;
	uint32_t key_groups;
};

struct tr_root_part {
	uint64_t operator_id;
	uint64_t base;
	uint32_t subtask;
	uint32_t subtask_count;
	uint32_t uid;
	uint32_t fingerprint;
	uint32_t schema;
	uint32_t flags;
};

struct tr_root_extent {
	uint64_t segment;
	uint64_t begin;
	uint64_t end;
	uint64_t first; /* least and greatest age of its frames */
	uint64_t last;
	uint32_t previous; /* sum of the frame before the first */
	uint32_t crc;      /* of the last frame */
};
_Static_assert(sizeof(struct tr_root_head) == 128, "as docs/FORMATS.md says");
_Static_assert(sizeof(struct tr_root_checkpoint) == 64, "as docs/FORMATS.md says");
_Static_assert(sizeof(struct tr_root_part) == 40, "as docs/FORMATS.md says");
_Static_assert(sizeof(struct tr_root_extent) == 48, "as docs/FORMATS.md says");

/** The sum of `bytes` with the four bytes at `field` as zeros. */
uint32_t tr_log_sum(const void *bytes, size_t length, size_t field);

#endif
