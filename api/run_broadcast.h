/* SPDX-License-Identifier: Apache-2.0
 *
 * Broadcast states of a function on one subtask: maps in memory, the same on all subtasks (include/tailrace/broadcast.h). An array of entries
 * in the order of their keys.
 *
 * Each is saved whole by subtask 0 alone, and given to all subtasks: as operator state of the sort broadcast (state/operator_state.h). Its items:
 *
 *     name | version u32, value bytes u32 | key | value | key | value | ..
 */
#ifndef TR_API_RUN_BROADCAST_H
#define TR_API_RUN_BROADCAST_H

#include "base/state_record.h"
#include "tailrace/broadcast.h"

/** All that were declared, also what could not be used: a list. */
struct tr_run_broadcasts {
	struct tr_broadcast_state *first;
};

void tr_run_broadcasts_deinit(struct tr_run_broadcasts *broadcasts);

tr_code tr_run_broadcasts_save(const struct tr_run_broadcasts *broadcasts, uint16_t kind,
			       struct tr_state_writer *writer, struct tr_status *st);
/** A record of any subtask of before. */
tr_code tr_run_broadcasts_load(struct tr_run_broadcasts *broadcasts, const struct tr_state_origin *origin,
			       const struct tr_state_record *record, struct tr_status *st);
uint64_t tr_run_broadcasts_bytes(const struct tr_run_broadcasts *broadcasts);

#endif
