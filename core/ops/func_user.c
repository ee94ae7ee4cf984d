/* SPDX-License-Identifier: Apache-2.0
 *
 * See func_user.h: which overload a call means, by Flink's rule. An overload that needs no cast goes before those that do; among either
 * the first one is taken. An argument that may be NULL does not fit a parameter that is NOT NULL.
 */
#include "core/ops/func_user.h"

#include "base/check.h"
#include "base/type.h"
#include "core/ops/agg_table.h"

#define MESSAGE_SIGNATURES_MAX 600

static bool takes(const struct tr_func_overload *overload, const struct tr_type *const *types, uint32_t count,
		  bool with_casts)
{
	if (count != overload->arg_count)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const struct tr_type *want = overload->arg_types[i];

		if (types[i] == NULL || (types[i]->is_nullable && !want->is_nullable))
			return false;
		if (tr_type_equals_ignoring_null(types[i], want))
			continue;
		/* A text of any length is a STRING already. */
		if (types[i]->id == TR_TYPE_CHAR && want->id == TR_TYPE_VARCHAR &&
		    want->precision >= types[i]->precision)
			continue;
		if (!with_casts || !tr_type_coerces(types[i], want))
			return false;
	}
	return true;
}

static tr_code fail(struct tr_arena *arena, const struct tr_func_user *user, const struct tr_type *const *types,
		    uint32_t count, struct tr_status *st)
{
	const char *given = "", *signatures = "";

	for (uint32_t i = 0; i < count; i++)
		given = tr_arena_printf(arena, "%s%s%s", given, i > 0 ? ", " : "",
					types[i] != NULL ? tr_type_text(arena, types[i]) : "*");
	for (uint32_t i = 0; i < user->count && strlen(signatures) < MESSAGE_SIGNATURES_MAX; i++)
		signatures = tr_arena_printf(arena, "%s\n%s", signatures, user->overloads[i].signature);
	TR_FAIL(st, TR_ERR_DATA, "%s does not take (%.400s); there is%s%s", user->name, given,
		user->count > 1 ? "" : " only", signatures);
}

tr_code tr_func_user_find(struct tr_arena *arena, const struct tr_func_user *user,
			  const struct tr_type *const *arg_types, uint32_t arg_count,
			  const struct tr_func_overload **overload, struct tr_status *st)
{
	for (uint32_t with_casts = 0; with_casts < 2; with_casts++)
		for (uint32_t i = 0; i < user->count; i++)
			if (takes(&user->overloads[i], arg_types, arg_count, with_casts != 0)) {
				*overload = &user->overloads[i];
				return TR_OK;
			}
	return fail(arena, user, arg_types, arg_count, st);
}

tr_code tr_func_user_resolve(struct tr_arena *arena, const struct tr_func_user *user,
			     const struct tr_type *const *arg_types, uint32_t arg_count, struct tr_func_match *match,
			     struct tr_status *st)
{
	const struct tr_func_overload *overload = NULL;
	bool is_nullable;

	TR_TRY(tr_func_user_find(arena, user, arg_types, arg_count, &overload, st));
	is_nullable = overload->type->is_nullable;
	for (uint32_t i = 0; i < arg_count && !overload->takes_nulls; i++)
		is_nullable = is_nullable || arg_types[i]->is_nullable;
	match->func = overload->func;
	match->type = tr_type_with_nullable(arena, overload->type, is_nullable);
	match->arg_types = overload->arg_types;
	return TR_OK;
}

tr_code tr_func_user_resolve_agg(struct tr_arena *arena, const struct tr_func_user *user, const struct tr_agg_ask *ask,
				 struct tr_agg_match *match, struct tr_status *st)
{
	const struct tr_func_overload *overload = NULL;
	struct tr_agg_params *params;

	memset(match, 0, sizeof(*match));
	if (ask->has_null_treatment)
		TR_FAIL(st, TR_ERR_DATA, "%s takes neither RESPECT NULLS nor IGNORE NULLS", user->name);
	TR_TRY(tr_func_user_find(arena, user, ask->arg_types, ask->arg_count, &overload, st));
	if (ask->is_distinct && overload->agg->takes_row)
		TR_FAIL(st, TR_ERR_DATA, "%s takes DISTINCT only with one argument, and if it does not take NULLs",
			user->name);
	match->agg = overload->agg;
	match->type = overload->type;
	params = TR_NEW(arena, struct tr_agg_params);
	params->place = ask->place;
	match->params = params;
	match->arg_count = ask->arg_count;
	match->arg_type = ask->arg_count > 0 ? overload->arg_types[0] : NULL;
	for (uint32_t i = 0; i < ask->arg_count; i++) {
		match->args[i] = i;
		match->arg_types[i] =
			tr_type_with_nullable(arena, overload->arg_types[i], ask->arg_types[i]->is_nullable);
	}
	return TR_OK;
}
