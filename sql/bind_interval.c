/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding intervals that are no literals: (a - b) unit, CAST(n AS INTERVAL unit). See bind.h.
 *
 * The type of an interval counts months, or milliseconds, whatever its units. So a cast of a column counts in these, too: only of a
 * number that is written out the unit is known in Flink, CAST(5 AS INTERVAL DAY), and a cast to several units is none.
 */
#include <string.h>

#include "base/check.h"
#include "base/type.h"
#include "sql/bind.h"
#include "sql/interval.h"

static const struct tr_type *type_of(struct tr_binder *binder, enum tr_ast_time_unit unit, bool is_nullable)
{
	const struct tr_ast_interval interval = {.unit = unit};

	return tr_type_with_nullable(
		binder->arena,
		tr_type_of(tr_interval_is_months(&interval) ? TR_TYPE_INTERVAL_MONTH : TR_TYPE_INTERVAL_MS),
		is_nullable);
}

const struct tr_expr *tr_bind_span(struct tr_binder *binder, const struct tr_expr_scope *scope,
				   const struct tr_ast_expr *ast)
{
	const char *unit = tr_interval_is_months(&ast->interval) ? "MONTH" : "SECOND";
	const struct tr_expr *args[3] = {tr_bind_expr(binder, scope, ast->args.items[0]),
					 tr_bind_expr(binder, scope, ast->args.items[1]),
					 tr_expr_text(binder->arena, unit, strlen(unit))};

	return tr_bind_function(binder, "-", args, 3, ast->span);
}

/* A number that is written out, as so many of the unit; parts of the type's own unit are cut off. */
static const struct tr_expr *scaled(struct tr_binder *binder, const struct tr_expr *number,
				    const struct tr_ast_expr *cast)
{
	const struct tr_type *type = type_of(binder, cast->cast.type->unit, false);
	tr_i128 value = number->type->phys == TR_PHYS_I128 ? number->value.i128 : number->value.i64;

	if (__builtin_mul_overflow(value, (tr_i128)tr_interval_unit_size(cast->cast.type->unit), &value))
		value = INT64_MAX;
	for (int i = 0; i < number->type->scale; i++)
		value /= 10;
	if (value != (int64_t)value || (type->phys == TR_PHYS_I32 && value != (int32_t)value)) {
		tr_diag_error(binder->diags, TR_E_VALUE, cast->span, "the interval is out of range");
		return NULL;
	}
	return tr_expr_i64(binder->arena, type, (int64_t)value);
}

const struct tr_expr *tr_bind_interval_cast(struct tr_binder *binder, const struct tr_expr *number,
					    const struct tr_ast_expr *cast)
{
	const bool is_literal = number->kind == TR_EXPR_LITERAL && !number->value.is_null && !cast->cast.is_try;
	const bool is_exact = tr_type_is_integer(number->type) || (is_literal && number->type->id == TR_TYPE_DECIMAL);

	if (!is_exact || cast->cast.type->end_unit != TR_AST_UNIT_NONE) {
		tr_diag_error(binder->diags, TR_E_TYPE, cast->span, "%s can't be cast to %s%s",
			      tr_type_text(binder->arena, number->type),
			      is_exact ? "an interval of several units" : "INTERVAL",
			      is_exact ? "" : ", which takes integers");
		return NULL;
	}
	if (is_literal)
		return scaled(binder, number, cast);
	return tr_expr_cast(binder->arena, number,
			    type_of(binder, cast->cast.type->unit, number->type->is_nullable || cast->cast.is_try),
			    cast->cast.is_try);
}
