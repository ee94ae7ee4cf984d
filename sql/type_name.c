/* SPDX-License-Identifier: Apache-2.0
 *
 * One table says per type what its parameter is called, its range and its default; nested types recurse, at most
 * TR_TYPE_DEPTH_MAX deep.
 */
#include "sql/type_name.h"

#include <string.h>

#include "base/check.h"
#include "base/type.h"

struct type_rule {
	enum tr_type_id id;
	const char *name;
	const char *parameter;
	int32_t least;
	int32_t most;
	int32_t standard;
};

static const struct type_rule rules[] = {
	{TR_TYPE_DECIMAL, "DECIMAL", "precision", 1, TR_DECIMAL_PRECISION_MAX, 10},
	{TR_TYPE_CHAR, "CHAR", "length", 1, TR_LENGTH_MAX, 1},
	{TR_TYPE_VARCHAR, "VARCHAR", "length", 1, TR_LENGTH_MAX, 1},
	{TR_TYPE_BINARY, "BINARY", "length", 1, TR_LENGTH_MAX, 1},
	{TR_TYPE_VARBINARY, "VARBINARY", "length", 1, TR_LENGTH_MAX, 1},
	{TR_TYPE_TIME, "TIME", "precision", 0, TR_TIME_PRECISION_MAX, 0},
	{TR_TYPE_TIMESTAMP, "TIMESTAMP", "precision", 0, TR_TIME_PRECISION_MAX, 6},
	{TR_TYPE_TIMESTAMP_LTZ, "TIMESTAMP_LTZ", "precision", 0, TR_TIME_PRECISION_MAX, 6},
};

static const struct tr_type *resolve(const struct tr_ast_type *type, struct tr_arena *arena, struct tr_diags *diags,
				     uint32_t depth);

static const struct tr_type *refuse(const struct tr_ast_type *type, struct tr_diags *diags)
{
	const char *what = type->kind == TR_AST_TYPE_RAW          ? "RAW"
			   : type->kind == TR_AST_TYPE_VARIANT    ? "VARIANT"
			   : type->kind == TR_AST_TYPE_STRUCTURED ? "STRUCTURED"
								  : NULL;

	if (what != NULL)
		tr_diag_not_supported(diags, type->span, "the type %s", what);
	else
		tr_diag_not_supported(diags, type->span, "user-defined types");
	return NULL;
}

static const struct tr_type *with_parameter(const struct tr_ast_type *type, const struct type_rule *rule,
					    struct tr_arena *arena, struct tr_diags *diags)
{
	int32_t precision = type->precision >= 0 ? type->precision : rule->standard;
	int32_t scale = type->scale >= 0 ? type->scale : 0;

	if (precision < rule->least || precision > rule->most) {
		tr_diag_error(diags, TR_E_TYPE_NAME, type->span, "the %s of %s must be %d to %d, not %d",
			      rule->parameter, rule->name, rule->least, rule->most, precision);
		return NULL;
	}
	if (rule->id != TR_TYPE_DECIMAL)
		return tr_type_with_precision(arena, rule->id, precision);
	if (scale > precision) {
		tr_diag_error(diags, TR_E_TYPE_NAME, type->span,
			      "the scale of DECIMAL must be 0 to its precision %d, not %d", precision, scale);
		return NULL;
	}
	return tr_type_decimal(arena, precision, scale);
}

static const struct tr_type *resolve_row(const struct tr_ast_type *type, struct tr_arena *arena, struct tr_diags *diags,
					 uint32_t depth)
{
	const char **names = TR_NEW_ARRAY(arena, type->child_count, const char *);
	const struct tr_type **fields = TR_NEW_ARRAY(arena, type->child_count, const struct tr_type *);

	for (uint32_t i = 0; i < type->child_count; i++) {
		names[i] = type->names[i].text;
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(names[i], names[j]) == 0) {
				tr_diag_error(diags, TR_E_DUPLICATE, type->names[i].span,
					      "the ROW has two fields named '%s'", names[i]);
				return NULL;
			}
		}
		fields[i] = resolve(type->children[i], arena, diags, depth + 1);
		if (fields[i] == NULL)
			return NULL;
	}
	return tr_type_row(arena, names, fields, type->child_count);
}

static const struct tr_type *resolve_nested(const struct tr_ast_type *type, struct tr_arena *arena,
					    struct tr_diags *diags, uint32_t depth)
{
	const struct tr_type *first, *second;

	if (type->kind == TR_TYPE_ROW)
		return resolve_row(type, arena, diags, depth);
	first = resolve(type->children[0], arena, diags, depth + 1);
	if (first == NULL)
		return NULL;
	if (type->kind == TR_TYPE_ARRAY)
		return tr_type_array(arena, first);
	if (type->kind == TR_TYPE_MULTISET)
		return tr_type_multiset(arena, first);
	second = resolve(type->children[1], arena, diags, depth + 1);
	return second != NULL ? tr_type_map(arena, first, second) : NULL;
}

static const struct tr_type *resolve(const struct tr_ast_type *type, struct tr_arena *arena, struct tr_diags *diags,
				     uint32_t depth)
{
	const struct tr_type *made = NULL;

	if (depth > TR_TYPE_DEPTH_MAX) {
		tr_diag_error(diags, TR_E_LIMIT, type->span, "a type is nested at most %d levels deep",
			      TR_TYPE_DEPTH_MAX);
		return NULL;
	}
	if (type->kind >= TR_TYPE_COUNT)
		return refuse(type, diags);
	if (type->kind >= TR_TYPE_ARRAY) {
		made = resolve_nested(type, arena, diags, depth);
	} else {
		for (uint32_t i = 0; made == NULL && i < TR_COUNT_OF(rules); i++) {
			if ((uint32_t)rules[i].id != type->kind)
				continue;
			made = with_parameter(type, &rules[i], arena, diags);
			if (made == NULL)
				return NULL;
		}
		if (made == NULL)
			made = tr_type_of((enum tr_type_id)type->kind);
	}
	return made != NULL && type->is_not_null ? tr_type_with_nullable(arena, made, false) : made;
}

const struct tr_type *tr_type_name_resolve(const struct tr_ast_type *type, struct tr_arena *arena,
					   struct tr_diags *diags)
{
	TR_ASSERT(type != NULL);
	return resolve(type, arena, diags, 1);
}
