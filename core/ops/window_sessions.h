/* SPDX-License-Identifier: Apache-2.0
 *
 * The open sessions of all keys, in a table (state/table.h): found by a batch of rows at a time, written down bit by bit, and
 * perhaps more than fit into memory.
 *
 *     key (window_codec.h) ──▶ | due i64 | session | session | ..          in the order of their ends; never none
 *     session                  | start i64 | end i64 | entry |             the layout owns no memory: entries are updated in place
 *                              | start i64 | end i64 | length u32 | entry |      else: decoded and encoded, once a key and call
 *
 * take goes like this:
 *
 *     rows ──▶ keys, each once ──▶ found in the table, all at once          may answer BLOCKED: nothing has happened yet
 *          ──▶ which session each row enters, by times alone
 *          ──▶ the entries of the keys that change, all rows into them, then sessions that were joined into one another
 *          ──▶ values
 *
 * Each key stands in `due` (window_due.h) with an end that is not after that of its first session, and its value says with
 * which; what else comes out of `due` is out of date. So a session that grows costs nothing there. When it comes out, the key is
 * looked up: what has ended fires, and the key goes back with the end of what is left. The `due` of a value is not saved;
 * changing it alone is no change.
 *
 * Memory: an eighth of the limit is set aside, a sixteenth is for `due`; the table takes what that leaves, and what the caller has itself.
 *
 * Saved are rows of sessions and of keys that have none any more (core/ops/window_state.h), so that who reads a savepoint needs
 * not know any of this: what the table writes goes through a writer that makes them.
 *
 * Thread: one owner.
 */
#ifndef TR_CORE_OPS_WINDOW_SESSIONS_H
#define TR_CORE_OPS_WINDOW_SESSIONS_H

#include "core/ops/window_held.h"
#include "core/ops/window_output.h"

#define TR_WINDOW_SESSIONS_ROWS 4096 /* of a call of take */

struct tr_window_sessions;

/** `w` is set up. With a memory limit it makes a file. */
tr_code tr_window_sessions_create(struct tr_window_op *w, struct tr_window_sessions **sessions,
				  struct tr_status *st) TR_MUST_USE;
void tr_window_sessions_destroy(struct tr_window_sessions **sessions);

/** Takes up to TR_WINDOW_SESSIONS_ROWS rows in their order. Late ones are counted in the operator's metrics. BLOCKED: nothing has
 * happened; call again with the same rows when the operator's queue has completed some. FAILED: the status is in the context. */
enum tr_flow tr_window_sessions_take(struct tr_window_sessions *s, const struct tr_window_row *rows, uint32_t count);

/** When the next session may end; INT64_MAX: there is none. */
int64_t tr_window_sessions_next(const struct tr_window_sessions *s);

/** Puts the next sessions whose timer is at most `fire_ms` into the operator's output buffer, which is empty, in the order of
 * their ends. *count: how many; 0: that was all. BLOCKED: call again. */
enum tr_flow tr_window_sessions_fire(struct tr_window_sessions *s, int64_t fire_ms, uint32_t *count);

/** How much memory the caller has that counts for the limit. */
void tr_window_sessions_set_other(struct tr_window_sessions *s, size_t bytes);

/** Keys, memory, and what is on disk. */
uint64_t tr_window_sessions_count(const struct tr_window_sessions *s);
size_t tr_window_sessions_bytes(const struct tr_window_sessions *s);
uint64_t tr_window_sessions_spilled(const struct tr_window_sessions *s);

/* Snapshots (state/table.h). */
void tr_window_sessions_snapshot(struct tr_window_sessions *s, const struct tr_snapshot_order *order, uint64_t *base);
enum tr_flow tr_window_sessions_step(struct tr_window_sessions *s, struct tr_state_writer *writer, size_t budget,
				     struct tr_status *st);

/** A record of sessions, or of keys that have none. */
tr_code tr_window_sessions_load(struct tr_window_sessions *s, const struct tr_state_record *record,
				struct tr_status *st) TR_MUST_USE;

#endif
