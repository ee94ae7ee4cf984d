/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of scalar functions: one row a function, which feeds binder, executor and documentation.
 *
 * A function is added in one place: a row in one of the func_*.c tables with its name, its signatures, its result type
 * rule, its null rule, its kernel and a line of documentation with an example. Operators are in the table as well.
 * Overloads are rows of the same name, tried in order; resolution picks the first whose parameters accept the
 * arguments after implicit coercion (exact matches first), as Flink does.
 */
#ifndef TR_CORE_OPS_FUNC_H
#define TR_CORE_OPS_FUNC_H

#include "base/arena.h"
#include "base/column.h"
#include "base/type.h"
#include "core/ops/expr.h"
#include "tailrace/status.h"

enum tr_null_rule {
	TR_NULL_STRICT, /* NULL in, NULL out: the driver computes validity, the kernel never sees a NULL row */
	TR_NULL_CUSTOM, /* the kernel sees and makes NULLs itself (IS NULL, COALESCE, AND, OR, IN ...) */
	TR_NULL_MAKES,  /* strict on input, but the kernel may make NULLs of its own (REGEXP_EXTRACT, TRY-like) */
};

struct tr_func; /* core/ops/func_table.h defines it, for the executor and the tables */

/** What resolving a call found. */
struct tr_func_match {
	const struct tr_func *func;
	const struct tr_type *type;             /* of the result, nullability derived from the arguments */
	const struct tr_type *const *arg_types; /* what each argument must be cast to; in the arena */
};

/** Finds the overload of `name` (case-insensitive) for the argument types. `literals[i]` is the constant value of
 * argument i or NULL (some result types depend on it: ROUND(x, 2), TO_TIMESTAMP_LTZ(x, 3), EXTRACT(unit)).
 * TR_ERR_DATA: no such function (message names the nearest one) or no overload (message lists the signatures). */
tr_code tr_func_resolve(struct tr_arena *arena, const char *name, const struct tr_type *const *arg_types,
			const struct tr_expr *const *literals, uint32_t arg_count, struct tr_func_match *match,
			struct tr_status *st) TR_MUST_USE;

/** Whether a scalar function of that name exists at all. */
bool tr_func_exists(const char *name);

const char *tr_func_name(const struct tr_func *func);
bool tr_func_is_volatile(const struct tr_func *func); /* RAND, UUID, CURRENT_TIMESTAMP ...: never folded */

/** The common type of two types for comparison, CASE, COALESCE, UNION (Flink's least restrictive type), or NULL. */
const struct tr_type *tr_type_common(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b);

/** Whether `from` is cast to `to` without being asked (Flink's implicit coercion), and whether CAST allows it at all. */
bool tr_type_coerces(const struct tr_type *from, const struct tr_type *to);
bool tr_type_casts(const struct tr_type *from, const struct tr_type *to);

/** An expression of type BYTES, equal for equal values of `expr` (of a nested type), NULL for NULL; and the value of `type` that
 * was packed, which fails at run time if it was of another type. So that what tells bytes apart tells nested values apart: keys of
 * GROUP BY, DISTINCT (core/ops/func_pack.c). */
const struct tr_expr *tr_expr_pack(struct tr_arena *arena, const struct tr_expr *expr);
const struct tr_expr *tr_expr_unpack(struct tr_arena *arena, const struct tr_expr *bytes, const struct tr_type *type);

/** For documentation and `tailrace functions`. Fields are static texts. */
struct tr_func_doc {
	const char *name;
	const char *group;     /* "arithmetic", "string", ... */
	const char *signature; /* "SUBSTRING(string FROM integer [FOR integer]) -> STRING" */
	const char *doc;
	const char *example; /* "SUBSTRING('stream' FROM 2 FOR 3) = 'tre'", or NULL */
	bool is_aggregate;
};

/** Calls `fn` for each function (aggregates included), by group and name. */
void tr_func_each(void (*fn)(void *context, const struct tr_func_doc *doc), void *context);

#endif
