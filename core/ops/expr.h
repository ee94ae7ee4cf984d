/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions: a typed tree, as the binder makes it and as core/ops/program.h compiles it.
 *
 * A node's children have exactly the types that its function wants: the binder has inserted the casts. Trees are
 * immutable, live in the plan's arena, and may share subtrees (the compiler evaluates equal subtrees once).
 *
 *   COLUMN   column number `column` of the input batch
 *   LITERAL  `value`
 *   CALL     `func` with `args` (core/ops/func.h): operators are functions too ("+", "=", "AND", "IS NULL", "||")
 *   CAST     args[0] to `type`; with is_try a failure gives NULL, else it fails the job
 *   CASE     args: condition, result, condition, result, ..., else (always there; a NULL literal if not written)
 *   FIELD    field number `column` of the ROW args[0]
 *
 * AND, OR, CASE and COALESCE evaluate an argument only for the rows that need it, so a guarded division never fails.
 */
#ifndef TR_CORE_OPS_EXPR_H
#define TR_CORE_OPS_EXPR_H

#include "base/arena.h"
#include "base/batch.h"
#include "base/type.h"
#include "tailrace/status.h"

struct tr_func;

enum tr_expr_kind { TR_EXPR_COLUMN, TR_EXPR_LITERAL, TR_EXPR_CALL, TR_EXPR_CAST, TR_EXPR_CASE, TR_EXPR_FIELD };

/** A single value; strings point into the arena of its owner. The member is chosen by the type's phys. */
struct tr_value {
	bool is_null;
	union {
		int64_t i64; /* I8 .. I64 */
		tr_i128 i128;
		double f64; /* F32, F64 */
		struct tr_view view;
	};
};

/** Where in the script an expression stands, for errors at run time. */
struct tr_expr_place {
	uint32_t line; /* 1-based; 0: unknown */
	uint32_t column;
};

struct tr_expr {
	enum tr_expr_kind kind;
	bool is_try;     /* CAST */
	uint32_t column; /* COLUMN, FIELD */
	uint32_t arg_count;
	const struct tr_type *type; /* of the result, nullability included */
	const struct tr_func *func; /* CALL */
	const struct tr_expr *const *args;
	struct tr_value value; /* LITERAL */
	struct tr_expr_place place;
};

/** Makers; `args` are copied into the arena, the nodes they point to are not. */
const struct tr_expr *tr_expr_column(struct tr_arena *arena, uint32_t column, const struct tr_type *type);
const struct tr_expr *tr_expr_literal(struct tr_arena *arena, const struct tr_type *type, struct tr_value value);
const struct tr_expr *tr_expr_null(struct tr_arena *arena, const struct tr_type *type);
const struct tr_expr *tr_expr_i64(struct tr_arena *arena, const struct tr_type *type, int64_t value);
const struct tr_expr *tr_expr_text(struct tr_arena *arena, const char *text, size_t length);
const struct tr_expr *tr_expr_call(struct tr_arena *arena, const struct tr_func *func, const struct tr_type *type,
				   const struct tr_expr *const *args, uint32_t arg_count);
const struct tr_expr *tr_expr_cast(struct tr_arena *arena, const struct tr_expr *arg, const struct tr_type *type,
				   bool is_try);
const struct tr_expr *tr_expr_case(struct tr_arena *arena, const struct tr_type *type,
				   const struct tr_expr *const *args, uint32_t arg_count);
const struct tr_expr *tr_expr_field(struct tr_arena *arena, const struct tr_expr *row, uint32_t field);

/** Structural equality (places ignored). */
bool tr_expr_equals(const struct tr_expr *a, const struct tr_expr *b);

/** Text for EXPLAIN, in Flink's manner: "((a + 1) > b)", columns by their names in `input`. In `arena`. */
const char *tr_expr_text_of(struct tr_arena *arena, const struct tr_expr *expr, const struct tr_schema *input);

/** A copy in which COLUMN i is replaced by replacements[i]: inlines a projection into what reads it. */
const struct tr_expr *tr_expr_substitute(struct tr_arena *arena, const struct tr_expr *expr,
					 const struct tr_expr *const *replacements, uint32_t count);

/** Constant folding: subtrees without columns and without volatile functions become literals. A subtree whose
 * evaluation fails (1/0) is left for run time. */
const struct tr_expr *tr_expr_fold(struct tr_arena *arena, const struct tr_expr *expr);

/** Whether the node alone, its arguments set aside, can be compiled: the executor has a cast for these types, a constant
 * pattern is one. With `is_run` also whether a cast of a literal succeeds. TR_ERR_DATA; the message has no place. */
tr_code tr_expr_check(const struct tr_expr *expr, bool is_run, struct tr_status *st) TR_MUST_USE;

#endif
