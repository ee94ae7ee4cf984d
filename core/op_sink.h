/* SPDX-License-Identifier: Apache-2.0
 *
 * Sink operator: the tail of a chain whose rows leave the engine through io/sink.h.
 *
 * Watermarks and status end here (the watermark is kept in the metrics, for the progress line). The end of input calls
 * finish until the sink says that all is visible. A sink that is destroyed without an end publishes nothing.
 *
 * With checkpoints, if the sink is exact (io/sink.h: it has prepare):
 *
 *     on_barrier(n)   prepare(n), BLOCKED until it is done      snapshot      save: records that are not keyed
 *     on_complete(n)  commit(n), BLOCKED until it is done       load, load_end    load, recover
 *     on_end          prepare for the checkpoint to come, which is the last; its on_complete publishes. There is no finish
 *
 * A sink that is not exact is asked at a barrier to push out what it holds (tick), and finishes at the end as ever. Whether
 * all that was taken in is visible, tr_op_sink_is_finished says.
 */
#ifndef TR_CORE_OP_SINK_H
#define TR_CORE_OP_SINK_H

#include "core/ops/op.h"
#include "io/sink.h"

/** Opens the sink of this subtask. `io` belongs to its worker. */
tr_code tr_op_sink_create(const struct tr_table_spec *table, struct tr_op_context *context, struct tr_io_queue *io,
			  struct tr_op **op, struct tr_status *st) TR_MUST_USE;

/** Whether the input has ended and all of it is visible. */
bool tr_op_sink_is_finished(const struct tr_op *op);

/** The monotonic time at which the sink wants to be flushed (tr_chain_flush). INT64_MAX: none. */
int64_t tr_op_sink_wake_at(const struct tr_op *op);

#endif
