/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions that users bring (include/tailrace/user_function.h), as rows of the tables of functions and aggregates.
 *
 * A name has one or more overloads. Each is a struct tr_func or struct tr_agg like those of the static tables, with kernels or verbs that
 * call the user's callbacks; once resolved, binder, compiler and operators don't tell it from a built-in one. Only resolving differs:
 * an overload lists its types, and arguments are brought to them by implicit casts.
 *
 * This file knows no library and no callback. What makes overloads is given from above, as a table of functions.
 */
#ifndef TR_CORE_OPS_FUNC_USER_H
#define TR_CORE_OPS_FUNC_USER_H

#include "core/ops/agg.h"
#include "core/ops/func.h"
#include "tailrace/user_function.h"

/** One overload; all in the arena of the session that made it. */
struct tr_func_overload {
	uint32_t arg_count;
	const struct tr_type *const *arg_types;
	const struct tr_type *type; /* of the result; TABLE: ARRAY of ROW */
	bool takes_nulls;           /* else the result is NULL where an argument is */
	const char *signature;      /* "shout(STRING) -> STRING" */
	const struct tr_func *func; /* SCALAR, TABLE */
	const struct tr_agg *agg;   /* AGGREGATE */
};

/** What a name means. */
struct tr_func_user {
	const char *name;
	enum tr_user_kind kind;
	bool is_deterministic;
	uint32_t count;
	const struct tr_func_overload *overloads;
};

/** From symbols to overloads. */
struct tr_func_maker {
	/* The struct that a library exports under this name. It lives as long as the process. */
	tr_code (*load)(const char *library, const char *symbol, const struct tr_user_function **function,
			struct tr_status *st);
	/* Whether the struct says all that it must; then its kind, types and callbacks may be read. */
	tr_code (*check)(const struct tr_user_function *function, struct tr_status *st);
	/* Fills in func or agg of an overload whose types are there. `function` stays as it is for as long as the session lives. */
	tr_code (*make)(struct tr_arena *arena, const char *name, const struct tr_user_function *function,
			struct tr_func_overload *overload, struct tr_status *st);
};

/** Finds the overload for arguments of these types: the first one that takes them as they are, else the first one that takes them with implicit
 * casts. TR_ERR_DATA: the message lists the signatures. */
tr_code tr_func_user_find(struct tr_arena *arena, const struct tr_func_user *user,
			  const struct tr_type *const *arg_types, uint32_t arg_count,
			  const struct tr_func_overload **overload, struct tr_status *st) TR_MUST_USE;

/** The same as tr_func_resolve, for a SCALAR or TABLE function. */
tr_code tr_func_user_resolve(struct tr_arena *arena, const struct tr_func_user *user,
			     const struct tr_type *const *arg_types, uint32_t arg_count, struct tr_func_match *match,
			     struct tr_status *st) TR_MUST_USE;

/** The same as tr_agg_resolve_call, for an AGGREGATE. */
tr_code tr_func_user_resolve_agg(struct tr_arena *arena, const struct tr_func_user *user, const struct tr_agg_ask *ask,
				 struct tr_agg_match *match, struct tr_status *st) TR_MUST_USE;

#endif
