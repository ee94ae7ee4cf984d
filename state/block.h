/* SPDX-License-Identifier: Apache-2.0
 *
 * Block: state records on their way from a subtask to the log. The unit in which the log is written and checked.
 *
 *     | length u32 | kind u16 | flags u16 | bytes, padded to 8 |  again and again          flags: bit 0: keyed
 *
 * A stream's writer puts records into a block until it is full and then begins another; the list of full blocks is taken
 * by whoever carries them off. A record larger than a block gets a block of its own. Blocks belong to whoever holds them.
 * Threads: none here.
 */
#ifndef TR_STATE_BLOCK_H
#define TR_STATE_BLOCK_H

#include "base/state_record.h"

#define TR_STATE_BLOCK_BYTES ((size_t)256 << 10)
#define TR_STATE_BLOCK_HEAD 64

/** Which stream a block belongs to, and when it was written. */
struct tr_state_stream {
	uint64_t operator_id; /* hash of the operator's uid */
	uint32_t subtask;
	uint32_t subtask_count;
};

struct tr_state_block {
	struct tr_state_block *next; /* the holder's list */
	struct tr_state_stream stream;
	uint64_t checkpoint;
	size_t length; /* of `bytes` */
	size_t capacity;
	uint32_t record_count;
	_Alignas(8) unsigned char head[TR_STATE_BLOCK_HEAD]; /* the log's, so that one write takes both */
	unsigned char bytes[];
};

/** A writer that collects blocks of one stream for one checkpoint. Zero-initialise, then begin. */
struct tr_block_writer {
	struct tr_state_writer writer; /* first: what operators see */
	struct tr_state_stream stream;
	uint64_t checkpoint;
	struct tr_state_block *first; /* all blocks, oldest first; the last one is being filled */
	struct tr_state_block *last;
	size_t bytes; /* of all blocks that it holds */
};

void tr_block_writer_begin(struct tr_block_writer *writer, const struct tr_state_stream *stream, uint64_t checkpoint);

/** All blocks so far, oldest first; ownership moves to the caller. NULL: none. With `only_full` the one that is being
 * filled stays. */
struct tr_state_block *tr_block_writer_take(struct tr_block_writer *writer, bool only_full);

/** Frees what was not taken. */
void tr_block_writer_deinit(struct tr_block_writer *writer);

void tr_state_block_destroy(struct tr_state_block **block);

/** Goes through the records of a block's bytes: *offset (0 at first) moves on. DONE-like: false and TR_OK in *code at the
 * end; false and TR_ERR_DATA when the bytes are not records. */
bool tr_block_next(const void *bytes, size_t length, size_t *offset, struct tr_state_record *record, tr_code *code,
		   struct tr_status *st);

#endif
