/* SPDX-License-Identifier: Apache-2.0
 *
 * Broadcast state: rows of a slow stream (rules, configuration) that every subtask keeps beside what it does with the fast one.
 *
 *     actions ──key_by──▶ on_left_row    reads the rules; keyed state and timers as in process functions
 *     rules ──to all────▶ on_right_row   writes the rules; its rows have no key
 *
 * Each subtask gets all rows of the right side and does the same with them, so each has the same state. What follows from that:
 *
 *   - Only on_right_row and on_right_batch may change broadcast state; all others read it. A change elsewhere fails the job.
 *   - What they write may depend on the row and the state only; not on the subtask, on keyed state or on the time. Where several
 *     subtasks send rules, their rows may come in another order on each subtask, so it must not depend on that either.
 *   - Rows of the right side have no key: no keyed state and no timers, but for tr_context_for_each_key, with which a rule can be put to all
 *     keys that have state.
 *
 * It is part of checkpoints and savepoints; a job restored with another number of subtasks has it on all of them. It lies in memory. The
 * watermark is the lesser of both sides: rules need an event time that goes on, or a source that is idle (idle_timeout_ms).
 */
#ifndef TAILRACE_BROADCAST_H
#define TAILRACE_BROADCAST_H

#include "tailrace/connect.h"
#include "tailrace/state.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The right stream goes to all subtasks of the function. `left` is keyed, or is not: then there are broadcast states only. */
TR_API struct tr_stream *tr_stream_connect_broadcast(struct tr_stream *left, struct tr_stream *right,
						     const char *columns, const struct tr_co_function *function);

struct tr_broadcast_state;

/** A map from keys to values of value_bytes bytes (0: of any length), declared in open. Without time to live. */
TR_API struct tr_broadcast_state *tr_broadcast_state_create(struct tr_context *context,
							    const struct tr_state_descriptor *descriptor);
/** NULL: the key is not there. Holds until the state is changed; aligned to 8 bytes. `length` may be NULL. */
TR_API const void *tr_broadcast_state_get(struct tr_broadcast_state *state, const void *key, uint32_t key_length,
					  uint32_t *length);
/** The entry whose key is the next after `key` in bytewise order (NULL: the first). False: there is none. */
TR_API bool tr_broadcast_state_next(struct tr_broadcast_state *state, const void *key, uint32_t key_length,
				    const void **next, uint32_t *next_length, const void **bytes, uint32_t *length);
/* On the right side only: */
TR_API void tr_broadcast_state_put(struct tr_broadcast_state *state, const void *key, uint32_t key_length,
				   const void *bytes, uint32_t length);
TR_API void tr_broadcast_state_remove(struct tr_broadcast_state *state, const void *key, uint32_t key_length);
TR_API void tr_broadcast_state_clear(struct tr_broadcast_state *state);

#ifdef __cplusplus
}
#endif
#endif
