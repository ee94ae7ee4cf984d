/* SPDX-License-Identifier: Apache-2.0
 *
 * Keyed states of a function on one subtask: each a table (state/table.h), or a sorted one for lists and maps.
 *
 *     value, reducing, aggregating of a fixed size
 *         beside the value lies a byte that tells whether there is one. A batch's first access looks all its keys up at
 *         once, and makes entries where there are none: from then on a row's value is a pointer. When the batch is
 *         done, entries that were made and not written, or cleared, are deleted. A batch of which few rows used the state tells
 *         that the next had better look up row by row.
 *     with time to live, and values of any length
 *         row by row: looking up must not make an entry live longer, and values move when they grow.
 *
 * In debug builds tr_value_state_put answers a copy, which is written back and freed when the state is used with another row or
 * cleared, or the callback returns: so that AddressSanitizer sees who keeps a pointer, and anybody who writes behind the value.
 *
 * Records: kind 1 is the directory, not keyed: which state has which kind, by name, so that states may come and go between versions
 * of a job.
 *
 *     directory   version u8 = 2, then of each state: kind u16, sort u8, has time to live u8, version u32, value bytes u32,
 *                 name length u32, name, columns length u32, columns (in version 1 there are none)
 *     2, 3        timers of event and processing time;  16 + n: state n
 *     4           a broadcast state (run_broadcast.h), not keyed; an operator without keys has no others
 */
#ifndef TR_API_RUN_STATES_H
#define TR_API_RUN_STATES_H

#include "base/batch.h"
#include "core/ops/op.h"
#include "state/keyed_state.h"
#include "state/sorted_table.h"
#include "tailrace/state.h"

#define TR_RUN_STATES_MAX 64
#define TR_RUN_VALUE_BYTES_MAX 65536 /* of a fixed size */

enum { TR_RUN_KIND_DIRECTORY = 1, TR_RUN_KIND_TIMERS = 2, TR_RUN_KIND_BROADCAST = 4, TR_RUN_KIND_STATES = 16 };

enum tr_run_sort { TR_RUN_VALUE, TR_RUN_LIST, TR_RUN_MAP_STATE, TR_RUN_REDUCING, TR_RUN_AGGREGATING };

struct tr_run_state {
	struct tr_context *context;
	enum tr_run_sort sort;
	struct tr_state_descriptor descriptor;
	char *name;
	struct tr_arena arena;           /* of `columns` */
	const struct tr_schema *columns; /* members of a value, or NULL */
	const char *columns_text;        /* they in the engine's own words; "" */
	struct tr_table *table;          /* all; of list and map that of `sorted` */
	struct tr_sorted_table sorted;   /* list and map */
	bool is_broken;                  /* its declaration was a mistake: all it does is nothing */
	bool has_int_keys;
	bool is_by_row; /* never by batch: time to live, or values of any length */
	/* Of the batch at hand: */
	void **values; /* by selected row, from `first` on */
	bool *is_new;
	struct tr_table_value *spans; /* of byte keys */
	uint32_t room;
	uint32_t first;
	bool is_bound;
	bool is_rare;     /* of the batch before, few rows used it */
	bool has_cleared; /* one of the values */
	uint32_t used;    /* how often */
	char *copy;       /* debug builds: of the value at `copied` .. */
	void *copied;
	uint32_t copied_row; /* .. of this chosen row */
	/* Folds: */
	tr_reduce_fn reduce;
	struct tr_aggregate_function aggregate;
	void *user;
};

/** A state of any sort, which may be NULL. */
#define TR_RUN_STATE(state) ((struct tr_run_state *)(state))

struct tr_value_state {
	struct tr_run_state s;
};
struct tr_list_state {
	struct tr_run_state s;
};
struct tr_map_state {
	struct tr_run_state s;
};
struct tr_reducing_state {
	struct tr_run_state s;
};
struct tr_aggregating_state {
	struct tr_run_state s;
};

struct tr_run_states {
	struct tr_context *context;
	struct tr_run_state *items[TR_RUN_STATES_MAX];
	uint32_t count;
	struct tr_run_state *broken[TR_RUN_STATES_MAX]; /* without a table; likewise */
	uint32_t broken_count;
	uint32_t cursor; /* of a snapshot: tables that are done */
	struct tr_state_kind *kinds;
	uint32_t kinds_count;
	struct tr_arena kinds_arena;
	int8_t places[TR_RUN_STATES_MAX]; /* of a restored job: kind - TR_RUN_KIND_STATES to item; -1: is dropped */
};

void tr_run_states_init(struct tr_run_states *states, struct tr_context *context);
void tr_run_states_deinit(struct tr_run_states *states);

/** The batch at hand is done with, as far as it has come, or is taken up again. */
void tr_run_states_end_batch(struct tr_run_states *states);

/** The clock, for time to live. */
void tr_run_states_set_now(struct tr_run_states *states, int64_t now_ms);

/** core/ops/op.h's, over all states, timers and broadcast states of the context. */
tr_code tr_run_states_snapshot(struct tr_run_states *states, const struct tr_snapshot_order *order,
			       struct tr_state_writer *writer, uint64_t *base, struct tr_status *st);
enum tr_flow tr_run_states_snapshot_step(struct tr_run_states *states, struct tr_state_writer *writer, size_t budget,
					 struct tr_status *st);
tr_code tr_run_states_load(struct tr_run_states *states, const struct tr_state_origin *origin,
			   const struct tr_state_record *record, struct tr_status *st);
void tr_run_states_load_end(struct tr_run_states *states);
const struct tr_state_kind *tr_run_states_kinds(const struct tr_run_states *states, uint32_t *count);
uint64_t tr_run_states_bytes(const struct tr_run_states *states);

/** Writes back what was given to the user as a copy. */
void tr_run_states_settle(struct tr_run_states *states);
void tr_run_state_settle(struct tr_run_state *state);

/** A new state. What is wrong with it is a mistake of the user's, and it then is broken. */
struct tr_run_state *tr_run_state_create(struct tr_context *context, const struct tr_state_descriptor *descriptor,
					 enum tr_run_sort sort, size_t struct_bytes);

/** The current key. NULL: the state can't be used, or not here, which is a mistake. */
const struct tr_run_key *tr_run_state_key(const struct tr_run_state *state);

/** Fixed size: the value of the current key. `is_write`: a new one is zeros, and exists from here on; else NULL: there is none. After a
 * mistake it is scratch, or NULL. */
void *tr_run_state_value(struct tr_run_state *state, bool is_write, bool *is_new);
void tr_run_state_clear(struct tr_run_state *state);

#endif
