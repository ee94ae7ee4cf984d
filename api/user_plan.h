/* SPDX-License-Identifier: Apache-2.0
 *
 * User functions (include/tailrace/user_function.h) from inside: what stands behind an overload (core/ops/func_user.h), and one call of it
 * on one subtask.
 *
 *     struct in a library ──check──▶ plan: a row of the table of functions ──▶ local: context, buffers ──▶ callbacks
 *
 * Kernels and verbs are in user_scalar.c, user_table.c and user_aggregate.c. A plan is immutable and shared; a local belongs to one step of
 * one program, or one aggregate of one layout, on one subtask, and is opened when its first rows come.
 */
#ifndef TR_API_USER_PLAN_H
#define TR_API_USER_PLAN_H

#include "api/run_collector.h"
#include "api/run_context.h"
#include "base/check.h"
#include "core/ops/agg_table.h"
#include "core/ops/func_table.h"
#include "core/ops/func_user.h"

struct tr_user_plan {
	union { /* first: what the tables have */
		struct tr_func func;
		struct tr_agg agg;
	};
	const char *name;                 /* in SQL */
	const char *who;                  /* "function shout" */
	struct tr_user_function function; /* a copy, in today's size */
	const struct tr_func_overload *overload;
	struct tr_schema arguments;
	struct tr_schema result; /* one column, or those of the table */
};

struct tr_user_local {
	struct tr_run_hand hand;  /* first */
	struct tr_status mistake; /* of the hand */
	const struct tr_user_plan *plan;
	struct tr_user_context context;
	struct tr_status status; /* of the callback at hand */
	bool is_open;
	struct tr_arena *heap;          /* of the batch at hand, for texts */
	struct tr_batch_buffer *buffer; /* what row callbacks make; NULL: nothing yet */
	struct tr_collector out;        /* SCALAR, AGGREGATE: over `buffer`; TABLE: with buffers of its own */
	/* TABLE: */
	bool has_out;
	struct tr_run_gate gate;
	struct tr_op op, tail;
	/* AGGREGATE: */
	struct tr_expr_place place;
	void **accumulators;
	uint32_t *rows;
	uint32_t room;
	void *other; /* an accumulator beside entries */
};

/** What the tables want. */
tr_code tr_user_prepare(struct tr_arena *arena, const struct tr_expr *call, const void **prepared, struct tr_status *st);
void *tr_user_local_create(const void *plan);
void tr_user_local_destroy(void *local);

/** Opens it, if that has not been done. A failure is in local->status, with the function's name. */
tr_code tr_user_ready(struct tr_user_local *local);

/** What a callback has returned, or done wrong: puts the function's name before its message. */
tr_code tr_user_returned(struct tr_user_local *local, tr_code code);

/** A failure in our own words. */
tr_code tr_user_fail(struct tr_user_local *local, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The collector over an empty buffer for at least `rows` rows of one column. */
void tr_user_begin_rows(struct tr_user_local *local, uint32_t rows);

/** What is wrong with the row that a row callback has made: of how many it has added, of a NULL. */
tr_code tr_user_check_row(struct tr_user_local *local, uint32_t number);

/** A row callback has returned: the row number `number` that it has set, column 0 of it, is added. */
static inline tr_code tr_user_end_row(struct tr_user_local *local, uint32_t number, tr_code code)
{
	struct tr_collector *out = &local->out;

	if (TR_UNLIKELY(code != TR_OK || local->mistake.code != TR_OK))
		return tr_user_returned(local, code);
	if (TR_UNLIKELY(out->set_count == 0 || out->rows != number ||
			(out->buffer->columns[0].has_nulls && !local->plan->overload->type->is_nullable)))
		return tr_user_check_row(local, number);
	out->set[0] = 0;
	out->set_count = 0;
	out->rows++;
	return TR_OK;
}

tr_code tr_user_run_scalar(struct tr_call *call);
tr_code tr_user_run_table(struct tr_call *call);
void tr_user_make_aggregate(struct tr_arena *arena, struct tr_user_plan *plan);

/** core/ops/func_user.h's door, for sessions. */
extern const struct tr_func_maker tr_user_functions;

#endif
