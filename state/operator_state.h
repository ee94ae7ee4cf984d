/* SPDX-License-Identifier: Apache-2.0
 *
 * Operator state: items that belong to a subtask, not to keys. Written as a whole at each checkpoint; small.
 *
 *     list       every item goes to one subtask: items of former subtask s are dealt in turn, beginning with subtask s
 *     union      every subtask gets all items of all former subtasks
 *     broadcast  every subtask has the same items, and gets those of former subtask 0
 *
 * A record, not keyed: | version u8 = 1 | sort u8 | reserved u16 = 0 | items u32 | length u32, bytes | .. Thread: one owner.
 */
#ifndef TR_STATE_OPERATOR_STATE_H
#define TR_STATE_OPERATOR_STATE_H

#include "base/state_record.h"

enum tr_operator_sort { TR_OPERATOR_LIST, TR_OPERATOR_UNION, TR_OPERATOR_BROADCAST };

struct tr_operator_state {
	enum tr_operator_sort sort;
	uint16_t kind; /* of its record */
	char *bytes;   /* items as in the record */
	size_t length, room;
	uint32_t count;
};

void tr_operator_state_init(struct tr_operator_state *state, enum tr_operator_sort sort, uint16_t kind);
void tr_operator_state_deinit(struct tr_operator_state *state);

void tr_operator_state_clear(struct tr_operator_state *state);
void tr_operator_state_add(struct tr_operator_state *state, const void *bytes, uint32_t length);

/** The next item from *cursor (0 at first) on, borrowed until the next change. False: that was all. */
bool tr_operator_state_next(const struct tr_operator_state *state, size_t *cursor, const void **bytes, uint32_t *length);

tr_code tr_operator_state_save(const struct tr_operator_state *state, struct tr_state_writer *writer,
			       struct tr_status *st) TR_MUST_USE;

/** Adds what is this subtask's of a record of a former subtask. TR_ERR_DATA: it is none. */
tr_code tr_operator_state_load(struct tr_operator_state *state, const struct tr_state_origin *origin, uint32_t subtask,
			       uint32_t subtask_count, const void *bytes, size_t length,
			       struct tr_status *st) TR_MUST_USE;

#endif
