/* SPDX-License-Identifier: Apache-2.0
 *
 * Type names, as Flink writes them: INT, DECIMAL(10, 2), TIMESTAMP(3) WITH LOCAL TIME ZONE, ARRAY<INT>, INT ARRAY,
 * MAP<K, V>, MULTISET<T>, ROW<a INT 'comment', b STRING>, ROW(a INT), RAW('class', 'data'), each with an optional
 * NOT NULL. Nothing is checked but the shape: sql/type_name.c knows ranges and defaults.
 */
#include "sql/parser.h"

#include <string.h>

struct simple_type {
	enum tr_keyword word;
	uint32_t kind;
	bool has_precision;
	bool has_scale;
	int32_t precision; /* when none is given; -1: the default is the resolver's business */
};

static const struct simple_type simple_types[] = {
	{TR_KW_BOOLEAN, TR_TYPE_BOOLEAN, false, false, -1},
	{TR_KW_TINYINT, TR_TYPE_TINYINT, false, false, -1},
	{TR_KW_SMALLINT, TR_TYPE_SMALLINT, false, false, -1},
	{TR_KW_INT, TR_TYPE_INT, false, false, -1},
	{TR_KW_INTEGER, TR_TYPE_INT, false, false, -1},
	{TR_KW_BIGINT, TR_TYPE_BIGINT, false, false, -1},
	{TR_KW_FLOAT, TR_TYPE_FLOAT, false, false, -1},
	{TR_KW_DECIMAL, TR_TYPE_DECIMAL, true, true, -1},
	{TR_KW_DEC, TR_TYPE_DECIMAL, true, true, -1},
	{TR_KW_NUMERIC, TR_TYPE_DECIMAL, true, true, -1},
	{TR_KW_VARCHAR, TR_TYPE_VARCHAR, true, false, -1},
	{TR_KW_STRING, TR_TYPE_VARCHAR, false, false, TR_LENGTH_MAX},
	{TR_KW_VARBINARY, TR_TYPE_VARBINARY, true, false, -1},
	{TR_KW_BYTES, TR_TYPE_VARBINARY, false, false, TR_LENGTH_MAX},
	{TR_KW_DATE, TR_TYPE_DATE, false, false, -1},
	{TR_KW_TIMESTAMP_LTZ, TR_TYPE_TIMESTAMP_LTZ, true, false, -1},
	{TR_KW_NULL, TR_TYPE_NULL, false, false, -1}, /* not Flink's: of SELECT ROW(1, NULL) as a table */
	{TR_KW_VARIANT, TR_AST_TYPE_VARIANT, false, false, -1},
};

/* Types of other systems, and what Flink has for them. */
static const struct {
	const char *name;
	const char *meant;
} foreign_types[] = {
	{"TEXT", "STRING"},
	{"CLOB", "STRING"},
	{"NVARCHAR", "STRING"},
	{"NCHAR", "CHAR(n)"},
	{"UUID", "STRING"},
	{"JSON", "STRING"},
	{"VARCHAR2", "STRING"},
	{"STR", "STRING"},
	{"BOOL", "BOOLEAN"},
	{"BYTE", "TINYINT"},
	{"SHORT", "SMALLINT"},
	{"LONG", "BIGINT"},
	{"INT8", "TINYINT"},
	{"INT16", "SMALLINT"},
	{"INT32", "INT"},
	{"INT64", "BIGINT"},
	{"INT2", "SMALLINT"},
	{"INT4", "INT"},
	{"UNSIGNED", "BIGINT"},
	{"SERIAL", "BIGINT"},
	{"REAL", "FLOAT"},
	{"FLOAT4", "FLOAT"},
	{"FLOAT32", "FLOAT"},
	{"FLOAT8", "DOUBLE"},
	{"FLOAT64", "DOUBLE"},
	{"NUMBER", "DECIMAL(p, s)"},
	{"MONEY", "DECIMAL(p, s)"},
	{"DATETIME", "TIMESTAMP(3)"},
	{"TIMESTAMPTZ", "TIMESTAMP_LTZ(3)"},
	{"BLOB", "BYTES"},
	{"BYTEA", "BYTES"},
	{"STRUCT", "ROW<name type, ..>"},
	{"LIST", "ARRAY<type>"},
};

static const char *const type_names[] = {
	"BOOLEAN",   "TINYINT",       "SMALLINT", "INT",    "INTEGER", "BIGINT",    "FLOAT", "DOUBLE", "DECIMAL",
	"NUMERIC",   "CHAR",          "VARCHAR",  "STRING", "BINARY",  "VARBINARY", "BYTES", "DATE",   "TIME",
	"TIMESTAMP", "TIMESTAMP_LTZ", "INTERVAL", "ARRAY",  "MAP",     "MULTISET",  "ROW",
};

/* [ (precision [, scale]) ] */
static bool parse_precision(struct tr_parser *p, struct tr_ast_type *type, bool has_scale)
{
	int64_t value;

	if (!tr_parser_accept(p, TR_TOKEN_LEFT_PAREN))
		return true;
	if (!tr_parser_integer(p, "the precision or length of a type", TR_LENGTH_MAX, &value))
		return false;
	type->precision = (int32_t)value;
	if (has_scale && tr_parser_accept(p, TR_TOKEN_COMMA)) {
		if (!tr_parser_integer(p, "the scale of a decimal type", TR_LENGTH_MAX, &value))
			return false;
		type->scale = (int32_t)value;
	}
	return tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the precision of a type");
}

/* WITH|WITHOUT [LOCAL] TIME ZONE after TIME and TIMESTAMP. */
static bool parse_zone(struct tr_parser *p, struct tr_ast_type *type)
{
	bool is_with = tr_parser_is_word(p, TR_KW_WITH);
	bool is_local = tr_parser_is_word_at(p, 1, TR_KW_LOCAL);

	if (!is_with && !tr_parser_is_word(p, TR_KW_WITHOUT))
		return true;
	if (is_with && !is_local && !tr_parser_is_word_at(p, 1, TR_KW_TIME))
		return true; /* the WITH of something else */
	tr_parser_skip(p);
	if (is_with && is_local)
		tr_parser_skip(p);
	if (!tr_parser_expect_word(p, TR_KW_TIME, "in the name of a time type") ||
	    !tr_parser_expect_word(p, TR_KW_ZONE, "in the name of a time type"))
		return false;
	if (is_with && (!is_local || type->kind == TR_TYPE_TIME)) {
		tr_parser_fail(p, TR_E_TYPE_NAME, type->span, "Flink has no type %s WITH %sTIME ZONE",
			       type->kind == TR_TYPE_TIME ? "TIME" : "TIMESTAMP", is_local ? "LOCAL " : "");
		tr_parser_hint(p, "use TIMESTAMP_LTZ(3) for points in time, TIMESTAMP(3) for local times");
		return false;
	}
	if (is_with)
		type->kind = TR_TYPE_TIMESTAMP_LTZ;
	return true;
}

/* INTERVAL unit[(p)] [TO unit[(p)]] */
static bool parse_interval_type(struct tr_parser *p, struct tr_ast_type *type)
{
	enum tr_ast_time_unit unit = tr_parse_unit_at(p, 0);

	if (unit < TR_AST_UNIT_YEAR || unit > TR_AST_UNIT_SECOND)
		return tr_parser_fail_expected(p, "YEAR, MONTH, DAY, HOUR, MINUTE or SECOND after INTERVAL");
	tr_parser_skip(p);
	type->unit = unit;
	type->kind = unit <= TR_AST_UNIT_MONTH ? TR_TYPE_INTERVAL_MONTH : TR_TYPE_INTERVAL_MS;
	if (!parse_precision(p, type, true))
		return false;
	if (!tr_parser_accept_word(p, TR_KW_TO))
		return true;
	unit = tr_parse_unit_at(p, 0);
	if (unit < TR_AST_UNIT_YEAR || unit > TR_AST_UNIT_SECOND ||
	    (unit <= TR_AST_UNIT_MONTH) != (type->kind == TR_TYPE_INTERVAL_MONTH))
		return tr_parser_fail_expected(p, "a smaller unit after TO");
	tr_parser_skip(p);
	type->end_unit = unit;
	return parse_precision(p, type, true);
}

static bool add_child(struct tr_parser *p, struct tr_list *children)
{
	struct tr_ast_type *child = tr_parse_type(p);

	if (child != NULL)
		*TR_LIST_ADD(p, children, struct tr_ast_type *) = child;
	return child != NULL;
}

/* < type [, type] > */
static bool parse_children(struct tr_parser *p, struct tr_ast_type *type, uint32_t count)
{
	struct tr_list children = {0};

	if (!tr_parser_expect(p, TR_TOKEN_LESS, "after ARRAY, MAP or MULTISET"))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0 && !tr_parser_expect(p, TR_TOKEN_COMMA, "between the key type and the value type"))
			return false;
		if (!add_child(p, &children))
			return false;
	}
	if (!tr_parser_expect(p, TR_TOKEN_GREATER, "after the element type"))
		return false;
	type->child_count = children.count;
	type->children = children.items;
	return true;
}

/* ROW<a INT 'comment', ...> or ROW(a INT, ...) */
static bool parse_row(struct tr_parser *p, struct tr_ast_type *type)
{
	bool is_angled = tr_parser_is(p, TR_TOKEN_LESS);
	struct tr_list children = {0}, names = {0}, comments = {0};

	if (tr_parser_is(p, TR_TOKEN_NOT_EQUAL) ||
	    (tr_parser_is(p, TR_TOKEN_LEFT_PAREN) && tr_parser_peek(p, 1)->kind == TR_TOKEN_RIGHT_PAREN))
		return tr_parser_fail(p, TR_E_NOT_SUPPORTED, type->span, "not supported yet: a ROW without fields");
	if (!is_angled && !tr_parser_is(p, TR_TOKEN_LEFT_PAREN))
		return tr_parser_fail_expected(p, "'<' after ROW");
	tr_parser_skip(p);
	do {
		struct tr_ast_string *comment = TR_LIST_ADD(p, &comments, struct tr_ast_string);

		if (names.count == TR_COLUMNS_MAX)
			return tr_parser_fail(p, TR_E_LIMIT, tr_token_span(tr_parser_peek(p, 0)),
					      "a ROW has at most %d fields", TR_COLUMNS_MAX);
		if (!tr_parser_name(p, "a field name in ROW", TR_LIST_ADD(p, &names, struct tr_ast_name)) ||
		    !add_child(p, &children))
			return false;
		if (tr_parser_is_string(p) && !tr_parser_string(p, "a comment", comment))
			return false;
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	if (!tr_parser_accept(p, is_angled ? TR_TOKEN_GREATER : TR_TOKEN_RIGHT_PAREN))
		return tr_parser_fail_expected(p, "',' or '%s' after a field of ROW", is_angled ? ">" : ")");
	type->child_count = children.count;
	type->children = children.items;
	type->names = names.items;
	type->comments = comments.items;
	return true;
}

/* A type of another system at p->at: fails, and names ours. */
static bool fail_foreign_type(struct tr_parser *p)
{
	for (uint32_t i = 0; i < TR_COUNT_OF(foreign_types); i++) {
		if (!tr_parser_is_text(p, 0, foreign_types[i].name))
			continue;
		tr_parser_fail(p, TR_E_TYPE_NAME, tr_token_span(tr_parser_peek(p, 0)), "Flink has no type %s",
			       foreign_types[i].name);
		tr_parser_hint(p, "write %s", foreign_types[i].meant);
		return true;
	}
	return false;
}

static bool parse_user_type(struct tr_parser *p, struct tr_ast_type *type)
{
	struct tr_ast_path *path = TR_NEW(p->arena, struct tr_ast_path);
	uint32_t start = p->at;

	if (tr_parser_peek(p, 1)->kind != TR_TOKEN_DOT && fail_foreign_type(p))
		return false;
	if (!tr_parser_is_name_at(p, 0))
		return tr_parser_fail_expected(p, "a type");
	if (!tr_parser_path(p, "a type", path))
		return false;
	if (path->count == 1 && p->tokens[start].kind == TR_TOKEN_WORD) {
		tr_parser_fail(p, TR_E_TYPE_NAME, path->span, "there is no type '%s'", path->names[0].text);
		tr_parser_hint(p, "types are INT, BIGINT, DOUBLE, DECIMAL(p, s), STRING, TIMESTAMP(3), ROW<...>, ...");
		tr_diag_hint_nearest(p->diags, path->names[0].text, type_names, TR_COUNT_OF(type_names));
		return false;
	}
	type->kind = TR_AST_TYPE_USER;
	type->path = path;
	return true;
}

/* Types whose names have several words, or that hold others. */
static bool parse_other_type(struct tr_parser *p, struct tr_ast_type *type)
{
	switch ((enum tr_keyword)tr_parser_peek(p, 0)->keyword) {
	case TR_KW_CHAR:
	case TR_KW_CHARACTER:
	case TR_KW_BINARY: {
		bool is_char = !tr_parser_is_word(p, TR_KW_BINARY);

		tr_parser_skip(p);
		type->kind = tr_parser_accept_word(p, TR_KW_VARYING) ? (is_char ? TR_TYPE_VARCHAR : TR_TYPE_VARBINARY)
			     : is_char                               ? TR_TYPE_CHAR
								     : TR_TYPE_BINARY;
		return parse_precision(p, type, false);
	}
	case TR_KW_DOUBLE:
		tr_parser_skip(p);
		tr_parser_accept_word(p, TR_KW_PRECISION);
		type->kind = TR_TYPE_DOUBLE;
		return true;
	case TR_KW_TIME:
	case TR_KW_TIMESTAMP:
		type->kind = tr_parser_is_word(p, TR_KW_TIME) ? TR_TYPE_TIME : TR_TYPE_TIMESTAMP;
		tr_parser_skip(p);
		return parse_precision(p, type, false) && parse_zone(p, type);
	case TR_KW_INTERVAL: tr_parser_skip(p); return parse_interval_type(p, type);
	case TR_KW_ARRAY:
	case TR_KW_MULTISET:
		type->kind = tr_parser_is_word(p, TR_KW_ARRAY) ? TR_TYPE_ARRAY : TR_TYPE_MULTISET;
		tr_parser_skip(p);
		return parse_children(p, type, 1);
	case TR_KW_MAP:
		tr_parser_skip(p);
		type->kind = TR_TYPE_MAP;
		return parse_children(p, type, 2);
	case TR_KW_ROW:
		tr_parser_skip(p);
		type->kind = TR_TYPE_ROW;
		return parse_row(p, type);
	case TR_KW_RAW:
		tr_parser_skip(p);
		type->kind = TR_AST_TYPE_RAW;
		return tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "after RAW") && tr_parser_skip_parens(p);
	default: return parse_user_type(p, type);
	}
}

static bool parse_base_type(struct tr_parser *p, struct tr_ast_type *type)
{
	enum tr_keyword word = (enum tr_keyword)tr_parser_peek(p, 0)->keyword;

	for (uint32_t i = 0; word != TR_KEYWORD_NONE && i < TR_COUNT_OF(simple_types); i++) {
		const struct simple_type *simple = &simple_types[i];

		if (simple->word != word)
			continue;
		tr_parser_skip(p);
		type->kind = simple->kind;
		type->precision = simple->precision;
		return !simple->has_precision || parse_precision(p, type, simple->has_scale);
	}
	if (word == TR_KW_STRUCTURED || word == TR_KW_BITMAP)
		return tr_parser_fail(p, TR_E_NOT_SUPPORTED, tr_token_span(tr_parser_peek(p, 0)),
				      "not supported yet: the type %s", tr_keyword_text(word));
	return parse_other_type(p, type);
}

static bool parse_nullable(struct tr_parser *p, struct tr_ast_type *type)
{
	if (tr_parser_accept_words(p, TR_KW_NOT, TR_KW_NULL))
		type->is_not_null = true;
	else if (!tr_parser_is_word_at(p, 1, TR_KW_ON)) /* RETURNING INT NULL ON EMPTY */
		tr_parser_accept_word(p, TR_KW_NULL);
	return true;
}

struct tr_ast_type *tr_parse_type(struct tr_parser *p)
{
	uint32_t start = p->at, wraps = 0;
	struct tr_ast_type *type = TR_NEW(p->arena, struct tr_ast_type);

	if (!tr_parser_enter(p))
		return NULL;
	type->precision = type->scale = -1;
	type->span = tr_token_span(tr_parser_peek(p, 0));
	if (!parse_base_type(p, type))
		return NULL;
	parse_nullable(p, type);
	type->span = tr_parser_span(p, start);
	while (tr_parser_is_word(p, TR_KW_ARRAY) || tr_parser_is_word(p, TR_KW_MULTISET)) {
		struct tr_ast_type *outer = TR_NEW(p->arena, struct tr_ast_type);
		struct tr_ast_type **children = TR_NEW_ARRAY(p->arena, 1, struct tr_ast_type *);

		if (++wraps > TR_TYPE_DEPTH_MAX) {
			tr_parser_fail(p, TR_E_LIMIT, tr_token_span(tr_parser_peek(p, 0)),
				       "a type is nested at most %d levels deep", TR_TYPE_DEPTH_MAX);
			return NULL;
		}
		outer->kind = tr_parser_is_word(p, TR_KW_ARRAY) ? TR_TYPE_ARRAY : TR_TYPE_MULTISET;
		outer->precision = outer->scale = -1;
		outer->child_count = 1;
		outer->children = children;
		children[0] = type;
		tr_parser_skip(p);
		parse_nullable(p, outer);
		outer->span = tr_parser_span(p, start);
		type = outer;
	}
	tr_parser_leave(p);
	return type;
}
