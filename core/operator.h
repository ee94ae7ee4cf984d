/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that core does not know: a node of a plan (TR_NODE_OPERATOR) that brings its own table of functions. It is how an
 * API adds what SQL has no word for; to core it is an operator like any other (core/ops/op.h), with its place in a chain, its
 * state in checkpoints and its line in EXPLAIN.
 *
 *     one input        stands in the chain behind the node that it reads
 *     several inputs   begins a stage; each input is an edge with a schema of its own, and its number is the `input` of on_batch.
 *                      Watermarks, idleness, barriers and the end come once, merged over all inputs, as those of input 0
 *
 * Beside its output an operator may have side outputs, of other columns: what it emits by tr_op_emit_side goes to those that read that
 * one. Watermarks and all other control elements that it emits go to the readers of all its outputs.
 *
 * Rows reach a keyed operator by the hash of its key columns: who makes the plan puts the exchanges.
 */
#ifndef TR_CORE_OPERATOR_H
#define TR_CORE_OPERATOR_H

#include "core/ops/op.h"

/** Columns of one input. */
struct tr_key_columns {
	const uint32_t *columns;
	uint32_t count;
};

#define TR_SIDE_OUTPUTS_MAX 63

/** A side output. */
struct tr_side_output {
	const char *tag; /* its name */
	const struct tr_schema *schema;
};

/** One operator of a plan; in the plan's arena, or longer-lived. */
struct tr_operator {
	const char *word;        /* in the uid, if none is given: "process" */
	const char *title;       /* what EXPLAIN calls it: "KeyedProcess" */
	bool has_state;          /* it has a uid, and is asked for snapshots */
	const char *fingerprint; /* with state: what that depends on, in words */
	bool sets_watermarks;    /* its watermarks and runs are its own; what comes in ends with it */
	const struct tr_side_output *sides;
	uint32_t side_count;
	/* The operator of one subtask. `context` outlives it; what stands in `self` is shared by all subtasks and not changed. */
	tr_code (*create)(const struct tr_operator *self, struct tr_op_context *context,
			  const struct tr_schema *const *inputs, const struct tr_schema *output, struct tr_op **op,
			  struct tr_status *st);
	const void *plan; /* of `create` */
};

#endif
