/* SPDX-License-Identifier: Apache-2.0
 *
 * State records: how state leaves memory and comes back, whatever holds it in between (the checkpoint log, a savepoint, a
 * test). It stands on the lowest floor because sinks and sources have state, too.
 *
 *     operator ──snapshot──▶ writer.put(record) ..      at a barrier, and in pieces after it
 *     operator ◀────load──── record ..                  before the first row
 *
 * A record has no pointers: numbers little endian, texts with their length. What `kind` means is its writer's own, and
 * described there. There are two sorts:
 *
 *     not keyed   about the writer as a whole: positions, watermarks, which slices live. All of it is written anew at each
 *                 checkpoint, before the keyed ones, and only the newest counts.
 *     keyed       entries of many keys (16 to 64 KiB a record, so that what a record costs does not matter). Written when
 *                 they changed; an entry in a later record replaces the same key's in an earlier one. Other parallelism
 *                 after a restore: every subtask is given all of them, and keeps the entries whose key groups are its own.
 *
 * A *stream* is what one subtask of one operator wrote. It is loaded as a whole: first the records that are not keyed, of the
 * newest checkpoint, then the keyed ones in the order in which they were written, from the stream's `base` on.
 * Several streams follow each other, in any order, when there were several subtasks. Slots, addresses and the order of tables are
 * never saved.
 *
 * An *age* says when something was written: the number of the checkpoint, and in its lower bits how far the log had come with
 * it. A stream's base is an age, so that what a large checkpoint has written can be written again, and its room given back,
 * bit by bit.
 *
 * Bytes that come back are hostile: who loads checks every length and answers TR_ERR_DATA with the reason.
 */
#ifndef TR_BASE_STATE_RECORD_H
#define TR_BASE_STATE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tailrace/status.h"

#define TR_STATE_RECORD_BYTES ((size_t)32 << 10)     /* about so large should a keyed record be */
#define TR_STATE_RECORD_BYTES_MAX ((size_t)64 << 20) /* larger is refused */

struct tr_state_record {
	uint16_t kind;
	bool is_keyed;
	const void *bytes; /* borrowed for the call */
	size_t length;
};

#define TR_STATE_AGE_BITS 16

/** The least age of a checkpoint. */
static inline uint64_t tr_state_age(uint64_t checkpoint) { return checkpoint << TR_STATE_AGE_BITS; }
static inline uint64_t tr_state_age_checkpoint(uint64_t age) { return age >> TR_STATE_AGE_BITS; }

/** Where records go. `put` copies and never waits; it fails only when a record is too large. */
struct tr_state_writer {
	tr_code (*put)(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st);
	uint64_t age;       /* what is put now will have at least this one */
	uint64_t rewritten; /* by who puts: about how many bytes of this snapshot had not changed and were only old */
};

/** What a snapshot is to contain. Checkpoint numbers only grow; some are given up and never complete. */
struct tr_snapshot_order {
	uint64_t checkpoint;
	/* The newest complete checkpoint: what was written for it or for an earlier complete one need not be written
	 * again. What was written for a checkpoint between `completed` and this one was given up and is still due. 0: there
	 * is none; everything is due. */
	uint64_t completed;
	/* What was last written before this age is due although it did not change (compaction). 0: nothing. */
	uint64_t rewrite_before;
};

/** From which subtask of how many a stream that is being loaded comes. */
struct tr_state_origin {
	uint32_t subtask;
	uint32_t subtask_count;
	uint64_t checkpoint; /* the one that is restored */
	/* All keys of the stream are this subtask's; false: it keeps those of its key groups. */
	bool is_dealt_alike;
	uint64_t bytes_max; /* more bytes than this all streams together do not have; 0: not known */
};

#endif
