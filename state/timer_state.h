/* SPDX-License-Identifier: Apache-2.0
 *
 * Timers: (time, key) pairs that come out in the order of time, then of key, once each.
 *
 *     add(time, key) ──▶ table of (time, key)         what exists; deduplicates; is written and loaded as any table
 *                    └─▶ heap by (time, key)          what comes next; made again after loading
 *
 * Removing takes the pair out of the table only; what the heap has and the table has not is passed over. Event-time and
 * processing-time timers are two of these. All timers stay in memory, about 100 bytes and twice the key each. Thread:
 * one owner.
 */
#ifndef TR_STATE_TIMER_STATE_H
#define TR_STATE_TIMER_STATE_H

#include "state/table.h"

#define TR_TIMER_KEY_BYTES_MAX 4096

struct tr_timer {
	int64_t time_ms;
	struct tr_table_key key;
};

struct tr_timer_state {
	struct tr_table *table; /* for snapshots and loading */
	struct tr_timer *heap;  /* owns its keys */
	uint32_t count, room;
	struct tr_timer taken; /* handed out by the last take */
};

/** `options` with byte keys, without time to live and memory limit. */
void tr_timer_state_init(struct tr_timer_state *timers, const struct tr_table_options *options);
void tr_timer_state_deinit(struct tr_timer_state *timers);

void tr_timer_state_add(struct tr_timer_state *timers, int64_t time_ms, const struct tr_table_key *key);
void tr_timer_state_remove(struct tr_timer_state *timers, int64_t time_ms, const struct tr_table_key *key);

/** The next timer at or before `until_ms`, which is no more. False: there is none. The key is borrowed until the next call. */
bool tr_timer_state_take(struct tr_timer_state *timers, int64_t until_ms, struct tr_timer *timer);

/** When the next timer is due (perhaps one that was removed); INT64_MAX: there is none. */
int64_t tr_timer_state_next(const struct tr_timer_state *timers);

/** All records have been loaded into `table`, and tr_table_load_end called: fills the heap. */
void tr_timer_state_load_end(struct tr_timer_state *timers);

#endif
