/* SPDX-License-Identifier: Apache-2.0
 *
 * Collector: what a function makes, on its way to the next operator.
 *
 *     rows ──▶ buffer ──full──▶ emitted at once, or queued while the chain is blocked
 *     batches by reference ──▶ emitted at once after what is in the buffer; copied while the chain is blocked
 *
 * Each row gets the watermark that was in force for what it was made of (`watermark_ms`), as runs of its batch. Rows stay in the
 * buffer until it is full or the operator is about to pass on something else.
 *
 * Collectors of one operator, of its output and its side outputs, share a gate: when one is blocked, all are. One that drops, as nobody
 * reads it, has no columns: what is set in it goes nowhere.
 *
 * A collector of a source writes to one batch that is not its own, and has no chain; that of an async request likewise, to a buffer
 * of its own that grows, and by any thread.
 *
 * A user's mistakes fail the job (run_context.h). In debug builds a pattern lies behind the vectors that tr_collector_reserve has made
 * room in, and AddressSanitizer is told that nothing may be written there.
 */
#ifndef TR_API_RUN_COLLECTOR_H
#define TR_API_RUN_COLLECTOR_H

#include "base/batch.h"
#include "core/ops/op.h"
#include "tailrace/function.h"

/** What the collectors of one operator have in common. */
struct tr_run_gate {
	bool has_runs; /* the stream has event time */
	bool is_blocked;
	bool has_failed; /* the chain has: the status is in the operator's context */
	int64_t watermark_ms;
};

struct tr_collector {
	struct tr_op *op;  /* that emits; NULL: of a source */
	int32_t side;      /* the side output to which it emits; -1: the output */
	bool is_dropped;   /* nobody reads it */
	const void *owner; /* whose callbacks may use it; of one that drops: `dropped`; of a request: NULL */
	const void *dropped_owner;
	struct tr_run_gate *gate;
	const char *name; /* of its operator, for messages */
	const struct tr_schema *schema;
	struct tr_batch_buffer *buffer;
	uint32_t columns; /* that its user may set */
	uint64_t made;    /* rows of all */
	uint32_t rows;    /* in the buffer, complete */
	uint32_t rows_max;
	bool has_vectors;                  /* tr_collector_reserve has made room for vectors, .. */
	uint32_t reserved;                 /* .. up to this row of the buffer */
	bool is_guarded;                   /* the pattern lies behind it */
	bool has_overflown;                /* of a source or a request: more rows than it may make */
	bool is_growing;                   /* of a request */
	void *scratch;                     /* of one that drops: where vectors are written */
	uint64_t set[TR_COLUMNS_MAX / 64]; /* columns of the row to come that are set */
	uint32_t set_count;
	uint64_t asked[TR_COLUMNS_MAX / 64]; /* columns whose vectors the user has asked for since it has reserved */
	struct tr_watermark_run external_run;
	struct tr_batch external; /* emitted by reference; untouched while the chain is blocked */
	struct tr_batch_buffer **queue;
	uint32_t queue_first, queue_count, queue_room;
	struct tr_batch_buffer **pool;
	uint32_t pool_count, pool_room;
	struct tr_batch_buffer *in_flight; /* emitted, and the chain is blocked */
	struct tr_run_gate own_gate;       /* of a source */
};

void tr_run_collector_init(struct tr_collector *out, struct tr_op *op, struct tr_run_gate *gate, const void *owner,
			   const char *name, const struct tr_schema *schema, uint32_t rows_max);
/** One that drops what it is given. */
void tr_run_collector_init_dropped(struct tr_collector *out, const void *owner, const char *name);
/** Of a source: writes to `buffer`, which is empty; not more than `rows_max` rows; the first `columns` columns. */
void tr_run_collector_init_source(struct tr_collector *out, const void *owner, const char *name,
				  struct tr_batch_buffer *buffer, uint32_t columns, uint32_t rows_max);
/** The callback has returned: no vector is written any more. */
void tr_run_collector_end_source(struct tr_collector *out);
void tr_run_collector_deinit(struct tr_collector *out);

/** The selected rows of a batch of its columns, copied; from outside of callbacks. */
void tr_run_collector_append(struct tr_collector *out, const struct tr_batch *batch);
/** Of a request: empty again, but for its memory. */
void tr_run_collector_clear(struct tr_collector *out);

/** Emits what is queued and, with `is_all`, what is in the buffer. MORE: nothing waits. BLOCKED, FAILED. */
enum tr_flow tr_run_collector_drain(struct tr_collector *out, bool is_all);

/** The chain goes on, and the gate is open: what was emitted last is the collector's again. */
void tr_run_collector_resume(struct tr_collector *out);

#endif
