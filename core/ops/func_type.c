/* SPDX-License-Identifier: Apache-2.0
 *
 * Which types go together: common types, implicit coercion, what CAST allows, and the DECIMAL result rules.
 *
 * The rules are Flink's (LogicalTypeMerging, LogicalTypeCasts) as its documentation states them. An INT meets a DECIMAL
 * as DECIMAL(10, 0); a DECIMAL meets FLOAT or DOUBLE as DOUBLE; an integer meets FLOAT as FLOAT; of FLOAT and DOUBLE the
 * first one wins. When the digits of a result exceed 38, the scale gives way first, down to 6; that of a common type down to 0.
 */
#include "base/check.h"
#include "base/type.h"
#include "core/ops/func_table.h"

#define DECIMAL_SCALE_KEPT 6 /* digits after the point that an overlong result keeps */

static const struct tr_type *adjusted(struct tr_arena *arena, int precision, int scale)
{
	if (precision > TR_DECIMAL_PRECISION_MAX) {
		int digits = precision - scale;
		int kept = TR_MIN(scale, DECIMAL_SCALE_KEPT);

		scale = TR_MAX(TR_DECIMAL_PRECISION_MAX - digits, kept);
		precision = TR_DECIMAL_PRECISION_MAX;
	}
	return tr_type_decimal(arena, precision, scale);
}

const struct tr_type *tr_decimal_add_type(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b)
{
	int scale = TR_MAX(a->scale, b->scale);

	return adjusted(arena, TR_MAX(a->precision - a->scale, b->precision - b->scale) + scale + 1, scale);
}

const struct tr_type *tr_decimal_multiply_type(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b)
{
	return adjusted(arena, a->precision + b->precision + 1, a->scale + b->scale);
}

const struct tr_type *tr_decimal_divide_type(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b)
{
	int scale = TR_MAX(6, a->scale + b->precision + 1);

	return adjusted(arena, a->precision - a->scale + b->scale + scale, scale);
}

const struct tr_type *tr_decimal_modulo_type(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b)
{
	int scale = TR_MAX(a->scale, b->scale);
	int precision = TR_MIN(a->precision - a->scale, b->precision - b->scale) + scale;

	return adjusted(arena, TR_MAX(precision, 1), scale);
}

const struct tr_type *tr_decimal_round_type(struct tr_arena *arena, const struct tr_type *a, int digits)
{
	if (digits >= a->scale)
		return tr_type_decimal(arena, a->precision, a->scale);
	if (digits < 0)
		return tr_type_decimal(arena, TR_MIN(TR_DECIMAL_PRECISION_MAX, 1 + a->precision - a->scale), 0);
	return tr_type_decimal(arena, 1 + a->precision - a->scale + digits, digits);
}

const struct tr_type *tr_decimal_of_integer(struct tr_arena *arena, const struct tr_type *type)
{
	switch (type->id) {
	case TR_TYPE_TINYINT: return tr_type_decimal(arena, 3, 0);
	case TR_TYPE_SMALLINT: return tr_type_decimal(arena, 5, 0);
	case TR_TYPE_INT: return tr_type_decimal(arena, 10, 0);
	case TR_TYPE_BIGINT: return tr_type_decimal(arena, 19, 0);
	default: return type;
	}
}

static const struct tr_type *common_number(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b)
{
	bool has_decimal = a->id == TR_TYPE_DECIMAL || b->id == TR_TYPE_DECIMAL;

	if (tr_type_is_float(a) || tr_type_is_float(b)) {
		if (has_decimal)
			return tr_type_of(TR_TYPE_DOUBLE);
		if (tr_type_is_float(a) && tr_type_is_float(b))
			return tr_type_of(a->id);
		return tr_type_of(tr_type_is_float(a) ? a->id : b->id);
	}
	if (!has_decimal)
		return tr_type_of(TR_MAX(a->id, b->id));
	a = tr_decimal_of_integer(arena, a);
	b = tr_decimal_of_integer(arena, b);
	int digits = TR_MAX(a->precision - a->scale, b->precision - b->scale);
	int scale = TR_MIN(TR_MAX(a->scale, b->scale), TR_DECIMAL_PRECISION_MAX - digits);

	return tr_type_decimal(arena, digits + scale, scale);
}

static const struct tr_type *common_nested(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b)
{
	const struct tr_type **children;

	if (a->id != b->id || a->child_count != b->child_count)
		return NULL;
	children = TR_NEW_ARRAY(arena, TR_MAX(a->child_count, 1u), const struct tr_type *);
	for (uint32_t i = 0; i < a->child_count; i++) {
		children[i] = tr_type_common(arena, a->children[i], b->children[i]);
		if (children[i] == NULL)
			return NULL;
	}
	switch (a->id) {
	case TR_TYPE_ARRAY: return tr_type_array(arena, children[0]);
	case TR_TYPE_MULTISET: return tr_type_multiset(arena, children[0]);
	case TR_TYPE_MAP: return tr_type_map(arena, children[0], children[1]);
	default: return tr_type_row(arena, a->names, children, a->child_count);
	}
}

static const struct tr_type *common_ignoring_null(struct tr_arena *arena, const struct tr_type *a,
						  const struct tr_type *b)
{
	if (a->id == TR_TYPE_NULL)
		return b;
	if (b->id == TR_TYPE_NULL || tr_type_equals_ignoring_null(a, b))
		return a;
	if (tr_type_is_numeric(a) && tr_type_is_numeric(b))
		return common_number(arena, a, b);
	if ((tr_type_is_text(a) && tr_type_is_text(b)) || (tr_type_is_bytes(a) && tr_type_is_bytes(b))) {
		enum tr_type_id var = tr_type_is_text(a) ? TR_TYPE_VARCHAR : TR_TYPE_VARBINARY;

		return tr_type_with_precision(arena, var, TR_MAX(a->precision, b->precision));
	}
	if (tr_type_is_timestamp(a) && tr_type_is_timestamp(b)) {
		return tr_type_with_precision(arena, (enum tr_type_id)a->id, TR_MAX(a->precision, b->precision));
	}
	if (a->id == TR_TYPE_TIME && b->id == TR_TYPE_TIME)
		return a->precision >= b->precision ? a : b;
	if (a->phys == TR_PHYS_LIST || a->phys == TR_PHYS_ROW)
		return common_nested(arena, a, b);
	return NULL;
}

const struct tr_type *tr_type_common(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b)
{
	const struct tr_type *common = common_ignoring_null(arena, a, b);

	if (common == NULL)
		return NULL;
	return tr_type_with_nullable(arena, common, a->is_nullable || b->is_nullable);
}

bool tr_type_coerces(const struct tr_type *from, const struct tr_type *to)
{
	if (from->id == TR_TYPE_NULL || tr_type_equals_ignoring_null(from, to))
		return true;
	if (tr_type_is_numeric(from) && tr_type_is_numeric(to)) {
		if (to->id == TR_TYPE_DOUBLE)
			return true;
		if (to->id == TR_TYPE_FLOAT)
			return from->id != TR_TYPE_DOUBLE && from->id != TR_TYPE_DECIMAL;
		if (from->id == TR_TYPE_DECIMAL && to->id == TR_TYPE_DECIMAL)
			return to->scale >= from->scale && to->precision - to->scale >= from->precision - from->scale;
		if (tr_type_is_integer(from))
			return to->id == TR_TYPE_DECIMAL || to->id >= from->id;
		return false;
	}
	if (tr_type_is_text(from) && tr_type_is_text(to))
		return to->precision >= from->precision && !(to->id == TR_TYPE_CHAR && from->id != TR_TYPE_CHAR);
	if (tr_type_is_bytes(from) && tr_type_is_bytes(to))
		return to->precision >= from->precision;
	if (tr_type_is_timestamp(to))
		return from->id == TR_TYPE_DATE || (tr_type_is_timestamp(from) && to->precision >= from->precision);
	if (from->id == TR_TYPE_TIME && to->id == TR_TYPE_TIME)
		return to->precision >= from->precision;
	if (from->id == to->id && from->child_count == to->child_count && from->child_count > 0) {
		for (uint32_t i = 0; i < from->child_count; i++)
			if (!tr_type_coerces(from->children[i], to->children[i]))
				return false;
		return true;
	}
	return false;
}

static bool casts_scalar(const struct tr_type *from, const struct tr_type *to)
{
	bool is_number = tr_type_is_numeric(from);

	if (tr_type_is_text(from))
		return to->phys != TR_PHYS_LIST && to->phys != TR_PHYS_ROW && !tr_type_is_interval(to);
	if (tr_type_is_text(to))
		return true;
	switch (to->id) {
	case TR_TYPE_BOOLEAN: return is_number;
	case TR_TYPE_TINYINT:
	case TR_TYPE_SMALLINT:
	case TR_TYPE_INT:
	case TR_TYPE_BIGINT: return is_number || from->id == TR_TYPE_BOOLEAN;
	case TR_TYPE_FLOAT:
	case TR_TYPE_DOUBLE:
	case TR_TYPE_DECIMAL: return is_number || from->id == TR_TYPE_BOOLEAN;
	case TR_TYPE_BINARY:
	case TR_TYPE_VARBINARY: return tr_type_is_bytes(from);
	case TR_TYPE_DATE:
	case TR_TYPE_TIME: return from->id == to->id || tr_type_is_timestamp(from);
	case TR_TYPE_TIMESTAMP:
	case TR_TYPE_TIMESTAMP_LTZ:
		return tr_type_is_timestamp(from) || from->id == TR_TYPE_DATE || from->id == TR_TYPE_TIME;
	case TR_TYPE_INTERVAL_MONTH:
	case TR_TYPE_INTERVAL_MS: return from->id == to->id || tr_type_is_integer(from);
	default: return false;
	}
}

bool tr_type_casts(const struct tr_type *from, const struct tr_type *to)
{
	if (from->id == TR_TYPE_NULL || from->id == to->id) {
		if (from->id == TR_TYPE_NULL || from->child_count == 0)
			return true;
		if (from->child_count != to->child_count)
			return false;
		for (uint32_t i = 0; i < from->child_count; i++)
			if (!tr_type_casts(from->children[i], to->children[i]))
				return false;
		return true;
	}
	if (to->id == TR_TYPE_NULL || to->phys == TR_PHYS_LIST || to->phys == TR_PHYS_ROW)
		return false;
	if (from->phys == TR_PHYS_LIST || from->phys == TR_PHYS_ROW)
		return tr_type_is_text(to);
	return casts_scalar(from, to);
}
