/* SPDX-License-Identifier: Apache-2.0
 *
 * State records: how an operator's state leaves memory and comes back, whatever holds it in between (a checkpoint, a
 * savepoint, a test).
 *
 *     operator ──save──▶ writer.put(record) ...        every record stands for itself: a key with what belongs to it
 *     operator ◀─load─── record ...                    in any order, from any number of former subtasks
 *
 * A record belongs to a key group, or to none (the state of a whole subtask: positions, watermarks). On restore the
 * records of a key group go to the subtask that owns it now; records without one go to all subtasks, which take what
 * is theirs. A record is self-contained and has no pointers: numbers little endian, strings with their length. What
 * `kind` means is the operator's own; it is described at the operator's save function. Slots, addresses and the order of
 * tables are never saved: restore deals by key.
 *
 * Bytes that come back are hostile: who loads checks every length and answers TR_ERR_DATA with the reason.
 */
#ifndef TR_STATE_RECORD_H
#define TR_STATE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "tailrace/status.h"

#define TR_STATE_NO_GROUP UINT32_MAX
#define TR_STATE_RECORD_BYTES_MAX ((size_t)16 << 20)

struct tr_state_record {
	uint32_t key_group; /* TR_STATE_NO_GROUP: of the subtask */
	uint16_t kind;
	const void *bytes; /* borrowed for the call */
	size_t length;
};

/** Where records go. `put` copies; it never waits, so a writer has room for what one operator saves at a time. */
struct tr_state_writer {
	tr_code (*put)(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st);
};

#endif
