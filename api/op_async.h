/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator of async functions (include/tailrace/async.h): rows in flight, on their way to whoever answers and back.
 */
#ifndef TR_API_OP_ASYNC_H
#define TR_API_OP_ASYNC_H

#include "api/run_context.h"
#include "api/run_flight.h"
#include "api/run_request.h"
#include "state/rows.h"

/** The plan of the operator. In the environment's arena. */
struct tr_run_async {
	struct tr_run_function run; /* first: what the context of callbacks wants to know */
	struct tr_async_function function;
	struct tr_async_options options; /* whole: no zeros that stand for something */
};

/** core/operator.h's create. */
tr_code tr_op_async_create(const struct tr_operator *self, struct tr_op_context *context,
			   const struct tr_schema *const *inputs, const struct tr_schema *output, struct tr_op **op,
			   struct tr_status *st);

enum tr_async_element { TR_ASYNC_NOTHING, TR_ASYNC_BARRIER, TR_ASYNC_END };

/** The operator of one subtask; for op_async.c and op_async_state.c. */
struct tr_op_async {
	struct tr_op op;
	const struct tr_run_async *plan;
	struct tr_context context;
	struct tr_run_outputs out;
	struct tr_run_requests *requests;
	struct tr_run_flights flights;
	bool is_open;
	struct tr_run_rows *rows;      /* being requested; NULL: none */
	uint32_t cursor;               /* of them: the next one */
	uint32_t run;                  /* its watermark run */
	int64_t reached_ms;            /* watermark of the row before */
	enum tr_async_element element; /* to be passed on when what is before it is through */
	uint64_t checkpoint;
	bool is_passing; /* it is on its way down, and nothing follows */
	/* By batch. */
	struct tr_async_request **batch_requests;
	uint32_t *batch_selection;
	uint32_t batch_room;
	/* State: rows in flight, with the watermark that was in force for each. */
	struct tr_schema state_schema;
	struct tr_state_kind state_kind;
	struct tr_rows loading;
	struct tr_run_rows **restored; /* to be requested before all else */
	uint32_t restored_at, restored_count, restored_room;
	uint32_t load_from; /* subtask whose records are being loaded */
	uint64_t load_row;  /* of its rows */
};

/* op_async_state.c: columns of tr_op_ops. */
void tr_op_async_state_init(struct tr_op_async *f, const struct tr_schema *input);
void tr_op_async_state_deinit(struct tr_op_async *f);
tr_code tr_op_async_snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			     uint64_t *base, struct tr_status *st);
tr_code tr_op_async_load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
			 struct tr_status *st);
tr_code tr_op_async_load_end(struct tr_op *op, struct tr_status *st);
const struct tr_state_kind *tr_op_async_kinds(const struct tr_op *op, uint32_t *count);

#endif
