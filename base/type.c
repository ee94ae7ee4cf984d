/* SPDX-License-Identifier: Apache-2.0
 *
 * Making, comparing and printing types.
 *
 * A type is a small immutable struct that names its children. Walking one recurses, at most TR_TYPE_DEPTH_MAX deep:
 * the functions that make nested types assert the depth, the parser refuses a deeper one with an error before.
 */
#include "base/type.h"

#include <string.h>

#include "base/check.h"

#define TYPE(type_id, type_phys, type_precision) \
	[type_id] = {.id = (type_id), .phys = (type_phys), .is_nullable = true, .precision = (type_precision)}

static const struct tr_type defaults[TR_TYPE_COUNT] = {
	TYPE(TR_TYPE_NULL, TR_PHYS_NONE, 0),
	TYPE(TR_TYPE_BOOLEAN, TR_PHYS_I8, 0),
	TYPE(TR_TYPE_TINYINT, TR_PHYS_I8, 0),
	TYPE(TR_TYPE_SMALLINT, TR_PHYS_I16, 0),
	TYPE(TR_TYPE_INT, TR_PHYS_I32, 0),
	TYPE(TR_TYPE_BIGINT, TR_PHYS_I64, 0),
	TYPE(TR_TYPE_FLOAT, TR_PHYS_F32, 0),
	TYPE(TR_TYPE_DOUBLE, TR_PHYS_F64, 0),
	TYPE(TR_TYPE_DECIMAL, TR_PHYS_I64, 10),
	TYPE(TR_TYPE_CHAR, TR_PHYS_VIEW, 1),
	TYPE(TR_TYPE_VARCHAR, TR_PHYS_VIEW, TR_LENGTH_MAX),
	TYPE(TR_TYPE_BINARY, TR_PHYS_VIEW, 1),
	TYPE(TR_TYPE_VARBINARY, TR_PHYS_VIEW, TR_LENGTH_MAX),
	TYPE(TR_TYPE_DATE, TR_PHYS_I32, 0),
	TYPE(TR_TYPE_TIME, TR_PHYS_I32, 0),
	TYPE(TR_TYPE_TIMESTAMP, TR_PHYS_I64, 6),
	TYPE(TR_TYPE_TIMESTAMP_LTZ, TR_PHYS_I64, 6),
	TYPE(TR_TYPE_INTERVAL_MONTH, TR_PHYS_I32, 0),
	TYPE(TR_TYPE_INTERVAL_MS, TR_PHYS_I64, 0),
};

const struct tr_type *tr_type_of(enum tr_type_id id)
{
	TR_ASSERT((unsigned)id < TR_TYPE_ARRAY);
	return &defaults[id];
}

static int depth_of(const struct tr_type *type)
{
	int deepest = 0;

	for (uint32_t i = 0; i < type->child_count; i++)
		deepest = TR_MAX(deepest, depth_of(type->children[i]));
	return deepest + 1;
}

const struct tr_type *tr_type_decimal(struct tr_arena *arena, int precision, int scale)
{
	struct tr_type *type = TR_NEW(arena, struct tr_type);

	TR_ASSERT(precision >= 1 && precision <= TR_DECIMAL_PRECISION_MAX);
	TR_ASSERT(scale >= 0 && scale <= precision);
	*type = defaults[TR_TYPE_DECIMAL];
	type->precision = precision;
	type->scale = (uint8_t)scale;
	type->phys = precision <= 18 ? TR_PHYS_I64 : TR_PHYS_I128;
	return type;
}

const struct tr_type *tr_type_with_precision(struct tr_arena *arena, enum tr_type_id id, int precision)
{
	struct tr_type *type;

	if (id == TR_TYPE_DECIMAL)
		return tr_type_decimal(arena, precision, 0);
	TR_ASSERT(id == TR_TYPE_TIME || id == TR_TYPE_TIMESTAMP || id == TR_TYPE_TIMESTAMP_LTZ ||
		  (id >= TR_TYPE_CHAR && id <= TR_TYPE_VARBINARY));
	TR_ASSERT(precision >= 0);
	TR_ASSERT(id < TR_TYPE_TIME || precision <= TR_TIME_PRECISION_MAX);
	type = TR_NEW(arena, struct tr_type);
	*type = defaults[id];
	type->precision = precision;
	return type;
}

const struct tr_type *tr_type_with_nullable(struct tr_arena *arena, const struct tr_type *type, bool is_nullable)
{
	struct tr_type *copy;

	if (type->is_nullable == is_nullable)
		return type;
	copy = TR_NEW(arena, struct tr_type);
	*copy = *type;
	copy->is_nullable = is_nullable;
	return copy;
}

/** A nested type of borrowed children. */
static struct tr_type *make_nested(struct tr_arena *arena, enum tr_type_id id, const struct tr_type *const *children,
				   size_t count)
{
	struct tr_type *type = TR_NEW(arena, struct tr_type);
	const struct tr_type **kept = TR_NEW_ARRAY(arena, count, const struct tr_type *);

	TR_ASSERT(count <= TR_COLUMNS_MAX);
	for (size_t i = 0; i < count; i++) {
		TR_ASSERT(children[i] != NULL);
		kept[i] = children[i];
	}
	type->id = (uint8_t)id;
	type->phys = id == TR_TYPE_ROW ? TR_PHYS_ROW : TR_PHYS_LIST;
	type->is_nullable = true;
	type->child_count = (uint32_t)count;
	type->children = kept;
	TR_ASSERT(depth_of(type) <= TR_TYPE_DEPTH_MAX);
	return type;
}

const struct tr_type *tr_type_array(struct tr_arena *arena, const struct tr_type *element)
{
	return make_nested(arena, TR_TYPE_ARRAY, &element, 1);
}

const struct tr_type *tr_type_map(struct tr_arena *arena, const struct tr_type *key, const struct tr_type *value)
{
	const struct tr_type *children[] = {key, value};

	return make_nested(arena, TR_TYPE_MAP, children, 2);
}

const struct tr_type *tr_type_multiset(struct tr_arena *arena, const struct tr_type *element)
{
	return make_nested(arena, TR_TYPE_MULTISET, &element, 1);
}

const struct tr_type *tr_type_row(struct tr_arena *arena, const char *const *names, const struct tr_type *const *types,
				  size_t count)
{
	struct tr_type *type = make_nested(arena, TR_TYPE_ROW, types, count);
	const char **kept = TR_NEW_ARRAY(arena, count, const char *);

	for (size_t i = 0; i < count; i++)
		kept[i] = tr_arena_strdup(arena, names[i]);
	type->names = kept;
	return type;
}

const struct tr_type *tr_type_copy(struct tr_arena *arena, const struct tr_type *type)
{
	struct tr_type *copy = TR_NEW(arena, struct tr_type);

	*copy = *type;
	if (type->child_count > 0) {
		const struct tr_type **children = TR_NEW_ARRAY(arena, type->child_count, const struct tr_type *);

		for (uint32_t i = 0; i < type->child_count; i++)
			children[i] = tr_type_copy(arena, type->children[i]);
		copy->children = children;
	}
	if (type->names != NULL) {
		const char **names = TR_NEW_ARRAY(arena, type->child_count, const char *);

		for (uint32_t i = 0; i < type->child_count; i++)
			names[i] = tr_arena_strdup(arena, type->names[i]);
		copy->names = names;
	}
	return copy;
}

bool tr_type_equals_ignoring_null(const struct tr_type *a, const struct tr_type *b)
{
	if (a == b)
		return true;
	if (a->id != b->id || a->precision != b->precision || a->scale != b->scale || a->child_count != b->child_count)
		return false;
	for (uint32_t i = 0; i < a->child_count; i++) {
		if (!tr_type_equals(a->children[i], b->children[i]))
			return false;
		if (a->id == TR_TYPE_ROW && strcmp(a->names[i], b->names[i]) != 0)
			return false;
	}
	return true;
}

bool tr_type_equals(const struct tr_type *a, const struct tr_type *b)
{
	return a->is_nullable == b->is_nullable && tr_type_equals_ignoring_null(a, b);
}

/** As it stands between backticks. */
static const char *escaped(struct tr_arena *arena, const char *name)
{
	const char *text = "";

	for (const char *tick; (tick = strchr(name, '`')) != NULL; name = tick + 1)
		text = tr_arena_printf(arena, "%s%.*s``", text, (int)(tick - name), name);
	return text[0] == '\0' ? name : tr_arena_printf(arena, "%s%s", text, name);
}

static const char *row_text(struct tr_arena *arena, const struct tr_type *type)
{
	const char *text = "ROW<";

	for (uint32_t i = 0; i < type->child_count; i++)
		text = tr_arena_printf(arena, "%s%s`%s` %s", text, i > 0 ? ", " : "", escaped(arena, type->names[i]),
				       tr_type_text(arena, type->children[i]));
	return tr_arena_printf(arena, "%s>", text);
}

/** NAME(length), or `unbounded` when the length is the greatest. */
static const char *length_text(struct tr_arena *arena, const struct tr_type *type, const char *name,
			       const char *unbounded)
{
	if (type->precision == TR_LENGTH_MAX && unbounded != NULL)
		return unbounded;
	return tr_arena_printf(arena, "%s(%d)", name, (int)type->precision);
}

static const char *nullable_text(struct tr_arena *arena, const struct tr_type *type)
{
	switch ((enum tr_type_id)type->id) {
	case TR_TYPE_NULL: return "NULL";
	case TR_TYPE_BOOLEAN: return "BOOLEAN";
	case TR_TYPE_TINYINT: return "TINYINT";
	case TR_TYPE_SMALLINT: return "SMALLINT";
	case TR_TYPE_INT: return "INT";
	case TR_TYPE_BIGINT: return "BIGINT";
	case TR_TYPE_FLOAT: return "FLOAT";
	case TR_TYPE_DOUBLE: return "DOUBLE";
	case TR_TYPE_DECIMAL: return tr_arena_printf(arena, "DECIMAL(%d, %d)", (int)type->precision, type->scale);
	case TR_TYPE_CHAR: return length_text(arena, type, "CHAR", NULL);
	case TR_TYPE_VARCHAR: return length_text(arena, type, "VARCHAR", "STRING");
	case TR_TYPE_BINARY: return length_text(arena, type, "BINARY", NULL);
	case TR_TYPE_VARBINARY: return length_text(arena, type, "VARBINARY", "BYTES");
	case TR_TYPE_DATE: return "DATE";
	case TR_TYPE_TIME: return length_text(arena, type, "TIME", NULL);
	case TR_TYPE_TIMESTAMP: return length_text(arena, type, "TIMESTAMP", NULL);
	case TR_TYPE_TIMESTAMP_LTZ: return length_text(arena, type, "TIMESTAMP_LTZ", NULL);
	case TR_TYPE_INTERVAL_MONTH: return "INTERVAL MONTH";
	case TR_TYPE_INTERVAL_MS: return "INTERVAL SECOND(3)";
	case TR_TYPE_ARRAY: return tr_arena_printf(arena, "ARRAY<%s>", tr_type_text(arena, type->children[0]));
	case TR_TYPE_MULTISET: return tr_arena_printf(arena, "MULTISET<%s>", tr_type_text(arena, type->children[0]));
	case TR_TYPE_MAP:
		return tr_arena_printf(arena, "MAP<%s, %s>", tr_type_text(arena, type->children[0]),
				       tr_type_text(arena, type->children[1]));
	case TR_TYPE_ROW: return row_text(arena, type);
	case TR_TYPE_COUNT: break;
	}
	TR_UNREACHABLE();
}

const char *tr_type_text(struct tr_arena *arena, const struct tr_type *type)
{
	const char *text = nullable_text(arena, type);

	return type->is_nullable ? text : tr_arena_printf(arena, "%s NOT NULL", text);
}

size_t tr_phys_bytes(enum tr_phys phys)
{
	static const uint8_t bytes[TR_PHYS_COUNT] = {
		[TR_PHYS_NONE] = 0,  [TR_PHYS_I8] = 1,    [TR_PHYS_I16] = 2, [TR_PHYS_I32] = 4,
		[TR_PHYS_I64] = 8,   [TR_PHYS_I128] = 16, [TR_PHYS_F32] = 4, [TR_PHYS_F64] = 8,
		[TR_PHYS_VIEW] = 16, [TR_PHYS_LIST] = 4,  [TR_PHYS_ROW] = 0,
	};

	TR_ASSERT((unsigned)phys < TR_PHYS_COUNT);
	return bytes[phys];
}
