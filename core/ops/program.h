/* SPDX-License-Identifier: Apache-2.0
 *
 * Program: expressions compiled to a flat list of steps over vector registers.
 *
 * Compiled once per job and shared by all workers (struct tr_program, immutable); each user has a state with the
 * registers (struct tr_program_state). A run executes step by step, each step one kernel over all selected rows: no
 * interpretation per row. Equal subexpressions are computed once, constants are folded, columns that are merely passed
 * on are passed by reference. CASE, AND, OR and COALESCE narrow the selection, so that a branch runs only for its rows.
 */
#ifndef TR_CORE_OPS_PROGRAM_H
#define TR_CORE_OPS_PROGRAM_H

#include "base/batch.h"
#include "base/environment.h"
#include "core/ops/expr.h"
#include "tailrace/status.h"

struct tr_program;
struct tr_program_state;

/** What some functions need to know at run time. Outlives the states made with it. */
struct tr_program_context {
	struct tr_environment *env; /* CURRENT_TIMESTAMP, RAND; may be NULL if no such function is used */
	const char *time_zone;      /* session zone, e.g. "UTC" */
	int64_t processing_time_ms; /* PROCTIME(): set by the worker before each step; never goes back */
	int64_t query_start_ms;     /* CURRENT_TIMESTAMP in batch mode, and constants */
	int64_t first_position;     /* of row 0 of the batch that a source has decoded, in its order of rows */
};

/** Compiles `outputs` over batches of `input`. Lives in `arena`, which must outlive it. TR_ERR_DATA: too large. */
tr_code tr_program_compile(struct tr_arena *arena, const struct tr_schema *input, const struct tr_expr *const *outputs,
			   uint32_t output_count, const struct tr_program **program, struct tr_status *st) TR_MUST_USE;

/** The same for the rows for which `condition` is TRUE (not NULL) only; NULL: all. What both compute, they compute once. A conjunction
 * evaluates each term only for the rows that are left. */
tr_code tr_program_compile_where(struct tr_arena *arena, const struct tr_schema *input, const struct tr_expr *condition,
				 const struct tr_expr *const *outputs, uint32_t output_count,
				 const struct tr_program **program, struct tr_status *st) TR_MUST_USE;

/** Registers for batches of up to `rows_max` rows. */
struct tr_program_state *tr_program_state_create(const struct tr_program *program,
						 const struct tr_program_context *context, uint32_t rows_max);
void tr_program_state_destroy(struct tr_program_state **state);

/** Evaluates all outputs for the rows that exist in `batch`. outputs[i] is indexed by physical row, like the batch's own
 * columns; it points into the batch (passed by reference), into constants, or into the state's registers, and is valid
 * until the next run of this state and as long as the batch is. Rows outside the selection hold anything.
 * TR_ERR_DATA: a row failed (division by zero, a cast); the message has the expression's place, the row and the value. */
tr_code tr_program_run(struct tr_program_state *state, const struct tr_batch *batch, struct tr_column *outputs,
		       struct tr_status *st) TR_MUST_USE;

bool tr_program_has_condition(const struct tr_program *program);

/** For a program with a condition: the rows of `batch` that it holds for go to `selection` (room for row_count) and their number
 * to `count`; outputs are as those of tr_program_run, for these rows. */
tr_code tr_program_run_where(struct tr_program_state *state, const struct tr_batch *batch, struct tr_column *outputs,
			     uint32_t *selection, uint32_t *count, struct tr_status *st) TR_MUST_USE;

/** The steps as text, one a line, for EXPLAIN and tests. In `arena`. */
const char *tr_program_text(struct tr_arena *arena, const struct tr_program *program);

#endif
