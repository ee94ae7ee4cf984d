/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing names, types and expressions. An operand gets parentheses when it binds more loosely than the place it
 * stands in (the precedences of sql/parse_expr.c), or always. Special syntax is written back as such: a call of
 * EXTRACT has no other form.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "sql/lex.h"
#include "sql/unparse.h"
#include "sql/unparser.h"

enum {
	LOOSEST = 0,
	OR = 22,
	AND = 24,
	NOT = 26,
	IS = 28,
	COMPARE = 30,
	PREDICATE = 32,
	ADD = 40,
	MULTIPLY = 60,
	UNARY = 80,
	PRIMARY = 100
};

/* ---------------------------------------------------------------- words */

void tr_write_bytes(struct tr_unparser *u, const char *text, size_t length)
{
	if (u->length + length + 1 > u->capacity) {
		size_t capacity = TR_MAX(256, 2 * (u->length + length + 1));
		char *grown = tr_arena_alloc(u->arena, capacity);

		if (u->length > 0)
			memcpy(grown, u->text, u->length);
		u->text = grown;
		u->capacity = capacity;
	}
	if (length > 0)
		memcpy(u->text + u->length, text, length);
	u->length += length;
	u->text[u->length] = '\0';
}

void tr_write(struct tr_unparser *u, const char *text) { tr_write_bytes(u, text, strlen(text)); }

void tr_write_number(struct tr_unparser *u, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	tr_write(u, text);
}

static bool is_plain_name(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < length; i++) {
		char c = name[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!is_letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	/* quoted when it is any keyword: free ones may mean something where they stand */
	return length > 0 && tr_keyword_of(name, (uint32_t)length) == TR_KEYWORD_NONE;
}

void tr_write_name(struct tr_unparser *u, const char *name)
{
	if (!u->has_all_quotes && is_plain_name(name)) {
		tr_write(u, name);
		return;
	}
	tr_write(u, "`");
	for (const char *c = name; *c != '\0'; c++)
		tr_write_bytes(u, *c == '`' ? "``" : c, *c == '`' ? 2 : 1);
	tr_write(u, "`");
}

void tr_write_names(struct tr_unparser *u, const struct tr_ast_names *names)
{
	tr_write(u, "(");
	for (uint32_t i = 0; i < names->count; i++) {
		tr_write(u, i > 0 ? ", " : "");
		tr_write_name(u, names->items[i].text);
	}
	tr_write(u, ")");
}

void tr_write_path(struct tr_unparser *u, const struct tr_ast_path *path)
{
	for (uint32_t i = 0; i < path->count; i++) {
		tr_write(u, i > 0 ? "." : "");
		tr_write_name(u, path->names[i].text);
	}
}

void tr_write_string(struct tr_unparser *u, const char *text, size_t length)
{
	bool is_plain = true;

	for (size_t i = 0; i < length; i++)
		is_plain &= (unsigned char)text[i] >= 0x20 && text[i] != 0x7F && text[i] != '$';
	tr_write(u, is_plain ? "'" : "U&'");
	for (size_t i = 0; i < length; i++) {
		char c = text[i], escape[8];

		if (c == '\'') {
			tr_write(u, "''");
		} else if (!is_plain && c == '\\') {
			tr_write(u, "\\\\");
		} else if (!is_plain && ((unsigned char)c < 0x20 || c == 0x7F || c == '$')) {
			snprintf(escape, sizeof(escape), "\\%04X", (unsigned)(unsigned char)c);
			tr_write(u, escape);
		} else {
			tr_write_bytes(u, &c, 1);
		}
	}
	tr_write(u, "'");
}

void tr_write_ast_string(struct tr_unparser *u, const struct tr_ast_string *string)
{
	tr_write_string(u, string->text, string->length);
}

void tr_write_hints(struct tr_unparser *u, const struct tr_ast_hints *hints)
{
	if (hints->count == 0)
		return;
	tr_write(u, " /*+ ");
	for (uint32_t i = 0; i < hints->count; i++) {
		const struct tr_ast_hint *hint = &hints->items[i];

		tr_write(u, i > 0 ? ", " : "");
		tr_write_name(u, hint->name.text);
		if (hint->option_count + hint->argument_count == 0)
			continue;
		tr_write(u, "(");
		for (uint32_t j = 0; j < hint->option_count; j++) {
			tr_write(u, j > 0 ? ", " : "");
			tr_write_ast_string(u, &hint->options[j].key);
			tr_write(u, " = ");
			tr_write_ast_string(u, &hint->options[j].value);
		}
		for (uint32_t j = 0; j < hint->argument_count; j++) {
			tr_write(u, j + hint->option_count > 0 ? ", " : "");
			tr_write_ast_string(u, &hint->arguments[j]);
		}
		tr_write(u, ")");
	}
	tr_write(u, " */");
}

/* ---------------------------------------------------------------- types */

static const char *type_word(uint32_t kind)
{
	static const char *const words[TR_TYPE_COUNT] = {
		"NULL",          "BOOLEAN",   "TINYINT",   "SMALLINT", "INT",       "BIGINT",   "FLOAT", "DOUBLE",
		"DECIMAL",       "CHAR",      "VARCHAR",   "BINARY",   "VARBINARY", "DATE",     "TIME",  "TIMESTAMP",
		"TIMESTAMP_LTZ", "INTERVAL ", "INTERVAL ", "ARRAY",    "MAP",       "MULTISET", "ROW",
	};

	return kind < TR_TYPE_COUNT ? words[kind] : kind == TR_AST_TYPE_VARIANT ? "VARIANT" : "RAW()";
}

static void write_type_body(struct tr_unparser *u, const struct tr_ast_type *type)
{
	bool is_text = type->kind == TR_TYPE_VARCHAR || type->kind == TR_TYPE_VARBINARY;

	if (type->kind == TR_AST_TYPE_USER) {
		tr_write_path(u, type->path);
		if (type->path->count == 1 && u->text[u->length - 1] != '`') { /* only quoted names are user types */
			u->length -= strlen(type->path->names[0].text);
			tr_write(u, "`");
			tr_write(u, type->path->names[0].text);
			tr_write(u, "`");
		}
		return;
	}
	if (is_text && type->precision == TR_LENGTH_MAX) {
		tr_write(u, type->kind == TR_TYPE_VARCHAR ? "STRING" : "BYTES");
		return;
	}
	tr_write(u, type_word(type->kind));
	if (type->kind == TR_TYPE_INTERVAL_MONTH || type->kind == TR_TYPE_INTERVAL_MS)
		tr_write(u, tr_ast_time_unit_name(type->unit));
	if (type->end_unit != TR_AST_UNIT_NONE) {
		tr_write(u, " TO ");
		tr_write(u, tr_ast_time_unit_name(type->end_unit));
	}
	if (type->precision >= 0) {
		tr_write(u, "(");
		tr_write_number(u, type->precision);
		if (type->scale >= 0) {
			tr_write(u, ", ");
			tr_write_number(u, type->scale);
		}
		tr_write(u, ")");
	}
	if (type->child_count == 0)
		return;
	tr_write(u, "<");
	for (uint32_t i = 0; i < type->child_count; i++) {
		tr_write(u, i > 0 ? ", " : "");
		if (type->names != NULL) {
			tr_write_name(u, type->names[i].text);
			tr_write(u, " ");
		}
		tr_write_type(u, type->children[i]);
		if (type->comments != NULL && type->comments[i].text != NULL) {
			tr_write(u, " ");
			tr_write_ast_string(u, &type->comments[i]);
		}
	}
	tr_write(u, ">");
}

void tr_write_type(struct tr_unparser *u, const struct tr_ast_type *type)
{
	write_type_body(u, type);
	tr_write(u, type->is_not_null ? " NOT NULL" : "");
}

/* ---------------------------------------------------------------- expressions */

static int op_precedence(enum tr_ast_op op)
{
	if (op == TR_AST_OP_NOT)
		return NOT;
	if (op == TR_AST_OP_NEGATE || op == TR_AST_OP_PLUS)
		return UNARY;
	if (op >= TR_AST_OP_IS_NULL && op <= TR_AST_OP_IS_NOT_JSON_OBJECT)
		return IS;
	if (op == TR_AST_OP_ADD || op == TR_AST_OP_SUBTRACT)
		return ADD;
	return op >= TR_AST_OP_MULTIPLY && op <= TR_AST_OP_CONCAT ? MULTIPLY : COMPARE;
}

static int precedence_of(const struct tr_ast_expr *expr)
{
	switch (expr->kind) {
	case TR_AST_EXPR_OR: return OR;
	case TR_AST_EXPR_AND: return AND;
	case TR_AST_EXPR_UNARY:
	case TR_AST_EXPR_BINARY: return op_precedence(expr->op);
	case TR_AST_EXPR_QUANTIFIED: return COMPARE;
	case TR_AST_EXPR_BETWEEN:
	case TR_AST_EXPR_IN:
	case TR_AST_EXPR_LIKE: return PREDICATE;
	default: return PRIMARY;
	}
}

/* An operand in a place that takes what binds at least as tightly as `least`. */
static void write_operand(struct tr_unparser *u, const struct tr_ast_expr *expr, int least)
{
	int precedence = precedence_of(expr);
	bool has_parens = precedence < least || (u->has_all_parens && precedence < PRIMARY);

	tr_write(u, has_parens ? "(" : "");
	tr_write_expr(u, expr);
	tr_write(u, has_parens ? ")" : "");
}

void tr_write_exprs(struct tr_unparser *u, struct tr_ast_exprs exprs)
{
	for (uint32_t i = 0; i < exprs.count; i++) {
		tr_write(u, i > 0 ? ", " : "");
		tr_write_expr(u, exprs.items[i]);
	}
}

static void write_parens(struct tr_unparser *u, const struct tr_ast_query *query)
{
	tr_write(u, "(");
	tr_write_query(u, query);
	tr_write(u, ")");
}

static void write_unit(struct tr_unparser *u, enum tr_ast_time_unit unit, int32_t precision, int32_t fraction)
{
	tr_write(u, tr_ast_time_unit_name(unit));
	if (precision < 0 && fraction < 0)
		return;
	tr_write(u, "(");
	tr_write_number(u, precision >= 0 ? precision : 2);
	if (fraction >= 0) {
		tr_write(u, ", ");
		tr_write_number(u, fraction);
	}
	tr_write(u, ")");
}

static void write_units(struct tr_unparser *u, const struct tr_ast_interval *interval)
{
	tr_write(u, " ");
	if (interval->end_unit == TR_AST_UNIT_NONE) {
		write_unit(u, interval->unit, interval->precision, interval->fraction_precision);
		return;
	}
	write_unit(u, interval->unit, interval->precision, -1);
	tr_write(u, " TO ");
	write_unit(u, interval->end_unit, interval->fraction_precision, -1);
}

static void write_literal(struct tr_unparser *u, const struct tr_ast_literal *l)
{
	static const char *const prefixes[] = {
		[TR_AST_LITERAL_DATE] = "DATE ",
		[TR_AST_LITERAL_TIME] = "TIME ",
		[TR_AST_LITERAL_TIMESTAMP] = "TIMESTAMP ",
		[TR_AST_LITERAL_TIMESTAMP_LTZ] = "TIMESTAMP WITH LOCAL TIME ZONE ",
	};
	char digits[4];

	switch (l->kind) {
	case TR_AST_LITERAL_NULL: tr_write(u, "NULL"); return;
	case TR_AST_LITERAL_UNKNOWN: tr_write(u, "UNKNOWN"); return;
	case TR_AST_LITERAL_BOOLEAN: tr_write(u, l->boolean ? "TRUE" : "FALSE"); return;
	case TR_AST_LITERAL_INTEGER:
	case TR_AST_LITERAL_DECIMAL:
	case TR_AST_LITERAL_APPROX: tr_write(u, l->text); return;
	case TR_AST_LITERAL_STRING: tr_write_string(u, l->text, l->length); return;
	case TR_AST_LITERAL_BINARY:
		tr_write(u, "X'");
		for (uint32_t i = 0; i < l->length; i++) {
			snprintf(digits, sizeof(digits), "%02X", (unsigned)(unsigned char)l->text[i]);
			tr_write(u, digits);
		}
		tr_write(u, "'");
		return;
	case TR_AST_LITERAL_INTERVAL:
		tr_write(u, l->interval.is_negative ? "INTERVAL -" : "INTERVAL ");
		tr_write_string(u, l->text, l->length);
		write_units(u, &l->interval);
		return;
	default: tr_write(u, prefixes[l->kind]); tr_write_string(u, l->text, l->length);
	}
}

void tr_write_order(struct tr_unparser *u, const struct tr_ast_order *order)
{
	for (uint32_t i = 0; i < order->count; i++) {
		const struct tr_ast_order_item *item = &order->items[i];

		tr_write(u, i > 0 ? ", " : " ORDER BY ");
		tr_write_expr(u, item->expr);
		tr_write(u, item->is_descending ? " DESC" : "");
		if (item->has_nulls_order)
			tr_write(u, item->is_nulls_first ? " NULLS FIRST" : " NULLS LAST");
	}
}

static void write_bound(struct tr_unparser *u, const struct tr_ast_frame_bound *bound)
{
	static const char *const words[] = {"UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW", " FOLLOWING",
					    "UNBOUNDED FOLLOWING"};

	if (bound->offset != NULL)
		write_operand(u, bound->offset, PREDICATE + 1);
	tr_write(u, words[bound->kind]);
}

void tr_write_window(struct tr_unparser *u, const struct tr_ast_window *w)
{
	size_t start;

	if (w->is_name_only) {
		tr_write_name(u, w->base->text);
		return;
	}
	tr_write(u, "(");
	start = u->length;
	if (w->base != NULL)
		tr_write_name(u, w->base->text);
	if (w->partition_by.count > 0) {
		tr_write(u, u->length > start ? " PARTITION BY " : "PARTITION BY ");
		tr_write_exprs(u, w->partition_by);
	}
	tr_write_order(u, &w->order_by);
	if (w->has_frame) {
		tr_write(u, w->is_rows ? " ROWS " : " RANGE ");
		tr_write(u, w->has_between ? "BETWEEN " : "");
		write_bound(u, &w->start);
		if (w->has_between) {
			tr_write(u, " AND ");
			write_bound(u, &w->end);
		}
	}
	tr_write(u, ")");
}

/* ---------------------------------------------------------------- calls */

/* The arguments of a call with words between them; false: an ordinary one. */
static bool write_special(struct tr_unparser *u, const char *name, struct tr_ast_exprs args)
{
	static const struct {
		const char *name;
		const char *words[3];
	} forms[] = {
		{"EXTRACT", {" FROM ", NULL, NULL}},
		{"SUBSTRING", {" FROM ", " FOR ", NULL}},
		{"OVERLAY", {" PLACING ", " FROM ", " FOR "}},
		{"POSITION", {" IN ", " FROM ", NULL}},
		{"TRIM", {" ", " FROM ", NULL}},
		{"FLOOR", {" TO ", NULL, NULL}},
		{"CEIL", {" TO ", NULL, NULL}},
		{"CEILING", {" TO ", NULL, NULL}},
	};

	for (uint32_t i = 0; i < TR_COUNT_OF(forms); i++) {
		bool is_position = i == 3, is_rounding = i >= 5;

		if (strcmp(forms[i].name, name) != 0 ||
		    (is_rounding && (args.count != 2 || args.items[1]->kind != TR_AST_EXPR_SYMBOL)))
			continue;
		for (uint32_t j = 0; j < args.count; j++) {
			const char *word = j > 0 && j <= 3 ? forms[i].words[j - 1] : NULL;

			tr_write(u, j == 0 ? "" : word != NULL ? word : ", ");
			write_operand(u, args.items[j], is_position && j == 0 ? PREDICATE + 1 : LOOSEST);
		}
		return true;
	}
	return false;
}

static void write_json_pairs(struct tr_unparser *u, struct tr_ast_exprs args)
{
	for (uint32_t i = 0; i + 1 < args.count; i += 2) {
		tr_write(u, i > 0 ? ", KEY " : "KEY ");
		tr_write_expr(u, args.items[i]);
		tr_write(u, " VALUE ");
		tr_write_expr(u, args.items[i + 1]);
	}
}

static void write_arguments(struct tr_unparser *u, const struct tr_ast_expr *expr)
{
	const struct tr_ast_call *call = expr->call;

	tr_write(u, call->is_distinct ? "DISTINCT " : call->is_all ? "ALL " : "");
	for (uint32_t i = 0; i < expr->args.count; i++) {
		const struct tr_ast_name *name = call->argument_names != NULL ? call->argument_names[i] : NULL;

		tr_write(u, i > 0 ? ", " : "");
		if (name != NULL) {
			tr_write_name(u, name->text);
			tr_write(u, " => ");
		}
		tr_write_expr(u, expr->args.items[i]);
	}
	tr_write_order(u, &call->order_by);
}

static void write_call_suffixes(struct tr_unparser *u, const struct tr_ast_call *call)
{
	if (call->null_treatment != TR_AST_NULLS_DEFAULT)
		tr_write(u, call->null_treatment == TR_AST_NULLS_IGNORE ? " IGNORE NULLS" : " RESPECT NULLS");
	if (call->within_group.count > 0) {
		tr_write(u, " WITHIN GROUP (");
		tr_write_order(u, &call->within_group);
		tr_write(u, ")");
	}
	if (call->filter != NULL) {
		tr_write(u, " FILTER (WHERE ");
		tr_write_expr(u, call->filter);
		tr_write(u, ")");
	}
	if (call->over != NULL) {
		tr_write(u, " OVER ");
		tr_write_window(u, call->over);
	}
}

/* Functions keep their plain names even where all others are quoted. */
static void write_function_name(struct tr_unparser *u, const struct tr_ast_path *name)
{
	const bool has_all_quotes = u->has_all_quotes;

	u->has_all_quotes = false;
	tr_write_path(u, name);
	u->has_all_quotes = has_all_quotes;
}

static void write_call(struct tr_unparser *u, const struct tr_ast_expr *expr)
{
	const struct tr_ast_call *call = expr->call;
	const char *name = call->name.names[0].text;
	enum tr_keyword word = call->name.count == 1 ? tr_keyword_of(name, (uint32_t)strlen(name)) : TR_KEYWORD_NONE;
	bool is_upper = word != TR_KEYWORD_NONE && strcmp(tr_keyword_text(word), name) == 0;
	bool is_keyword = is_upper && !call->has_quoted_name &&
			  (tr_keyword_is_function(word) || tr_keyword_is_niladic(word) || word == TR_KW_TIMESTAMPADD ||
			   word == TR_KW_TIMESTAMPDIFF);

	if (is_keyword)
		tr_write(u, name);
	else
		write_function_name(u, &call->name);
	if (call->is_niladic)
		return;
	tr_write(u, "(");
	if (is_keyword && (word == TR_KW_JSON_OBJECT || word == TR_KW_JSON_OBJECTAGG))
		write_json_pairs(u, expr->args);
	else if (!is_keyword || !write_special(u, name, expr->args))
		write_arguments(u, expr);
	if (call->json != NULL) {
		tr_write(u, " ");
		tr_write(u, call->json->text.text);
	}
	tr_write(u, ")");
	write_call_suffixes(u, call);
}

static void write_table_arg(struct tr_unparser *u, const struct tr_ast_table_arg *arg)
{
	tr_write(u, "TABLE ");
	if (arg->table != NULL)
		tr_write_path(u, arg->table);
	else
		write_parens(u, arg->query);
	if (arg->has_partition_by) {
		tr_write(u, " PARTITION BY (");
		tr_write_exprs(u, arg->partition_by);
		tr_write(u, ")");
	}
	if (arg->order_by.count > 0) {
		size_t start = u->length + strlen(" ORDER BY ");

		tr_write_order(u, &arg->order_by);
		tr_write(u, " ");
		memmove(u->text + start + 1, u->text + start, u->length - start - 1);
		u->text[start] = '(';
		tr_write(u, ")");
	}
}

/* ---------------------------------------------------------------- forms */

static void write_case(struct tr_unparser *u, const struct tr_ast_case *c)
{
	tr_write(u, "CASE");
	if (c->operand != NULL) {
		tr_write(u, " ");
		tr_write_expr(u, c->operand);
	}
	for (uint32_t i = 0; i < c->when_count; i++) {
		tr_write(u, " WHEN ");
		tr_write_expr(u, c->whens[i].condition);
		tr_write(u, " THEN ");
		tr_write_expr(u, c->whens[i].result);
	}
	if (c->otherwise != NULL) {
		tr_write(u, " ELSE ");
		tr_write_expr(u, c->otherwise);
	}
	tr_write(u, " END");
}

static void write_unary(struct tr_unparser *u, const struct tr_ast_expr *expr)
{
	const struct tr_ast_expr *operand = expr->args.items[0];
	int precedence = op_precedence(expr->op);

	if (precedence == IS) {
		write_operand(u, operand, IS);
		tr_write(u, " ");
		tr_write(u, tr_ast_op_text(expr->op));
		return;
	}
	tr_write(u, tr_ast_op_text(expr->op));
	tr_write(u, " ");
	write_operand(u, operand, precedence);
}

static void write_list_or_query(struct tr_unparser *u, const struct tr_ast_expr *expr)
{
	struct tr_ast_exprs rest = {expr->args.count - 1, expr->args.items + 1};

	tr_write(u, "(");
	if (expr->query != NULL)
		tr_write_query(u, expr->query);
	else
		tr_write_exprs(u, rest);
	tr_write(u, ")");
}

static void write_predicate(struct tr_unparser *u, const struct tr_ast_expr *expr)
{
	bool is_quantified = expr->kind == TR_AST_EXPR_QUANTIFIED;

	write_operand(u, expr->args.items[0], is_quantified ? COMPARE : PREDICATE);
	tr_write(u, expr->is_negated ? " NOT" : "");
	if (is_quantified) {
		tr_write(u, " ");
		tr_write(u, tr_ast_op_text(expr->op));
		tr_write(u, expr->is_all ? " ALL " : " ANY ");
		write_list_or_query(u, expr);
	} else if (expr->kind == TR_AST_EXPR_IN) {
		tr_write(u, " IN ");
		write_list_or_query(u, expr);
	} else {
		bool is_between = expr->kind == TR_AST_EXPR_BETWEEN;

		tr_write(u, is_between         ? (expr->is_symmetric ? " BETWEEN SYMMETRIC " : " BETWEEN ")
			    : expr->is_similar ? " SIMILAR TO "
					       : " LIKE ");
		write_operand(u, expr->args.items[1], PREDICATE + 1);
		if (expr->args.count > 2) {
			tr_write(u, is_between ? " AND " : " ESCAPE ");
			write_operand(u, expr->args.items[2], PREDICATE + 1);
		}
	}
}

static void write_constructor(struct tr_unparser *u, const struct tr_ast_expr *expr)
{
	bool is_row = expr->kind == TR_AST_EXPR_ROW;

	tr_write(u, is_row                            ? (expr->is_explicit ? "ROW" : "")
		    : expr->kind == TR_AST_EXPR_ARRAY ? "ARRAY"
		    : expr->kind == TR_AST_EXPR_MAP   ? "MAP"
						      : "MULTISET");
	if (!is_row && expr->query != NULL) {
		write_parens(u, expr->query);
		return;
	}
	tr_write(u, is_row ? "(" : "[");
	tr_write_exprs(u, expr->args);
	tr_write(u, is_row ? ")" : "]");
}

static void write_flat(struct tr_unparser *u, const struct tr_ast_expr *expr, const char *word, int precedence)
{
	for (uint32_t i = 0; i < expr->args.count; i++) {
		tr_write(u, i > 0 ? word : "");
		write_operand(u, expr->args.items[i], precedence + 1);
	}
}

static void write_binary(struct tr_unparser *u, const struct tr_ast_expr *expr)
{
	int precedence = op_precedence(expr->op);

	write_operand(u, expr->args.items[0], precedence);
	tr_write(u, " ");
	tr_write(u, tr_ast_op_text(expr->op));
	tr_write(u, " ");
	write_operand(u, expr->args.items[1], precedence + 1);
}

static void write_span(struct tr_unparser *u, const struct tr_ast_expr *expr)
{
	tr_write(u, "(");
	write_operand(u, expr->args.items[0], ADD);
	tr_write(u, " - ");
	write_operand(u, expr->args.items[1], ADD + 1);
	tr_write(u, ")");
	write_units(u, &expr->interval);
}

/* What has a field or an index behind it: a call with OVER, a literal and the like need parentheses. */
static void write_base(struct tr_unparser *u, const struct tr_ast_expr *base, bool is_field)
{
	bool is_bare = base->kind == TR_AST_EXPR_ITEM || base->kind == TR_AST_EXPR_FIELD ||
		       (!is_field && base->kind == TR_AST_EXPR_COLUMN);

	tr_write(u, is_bare ? "" : "(");
	tr_write_expr(u, base);
	tr_write(u, is_bare ? "" : ")");
}

void tr_write_expr(struct tr_unparser *u, const struct tr_ast_expr *expr)
{
	switch (expr->kind) {
	case TR_AST_EXPR_LITERAL: write_literal(u, &expr->literal); break;
	case TR_AST_EXPR_COLUMN: tr_write_path(u, &expr->path); break;
	case TR_AST_EXPR_STAR:
		if (expr->star.qualifier != NULL) {
			tr_write_path(u, expr->star.qualifier);
			tr_write(u, ".");
		}
		tr_write(u, "*");
		break;
	case TR_AST_EXPR_FIELD:
		write_base(u, expr->field.base, true);
		tr_write(u, ".");
		tr_write_name(u, expr->field.name.text);
		break;
	case TR_AST_EXPR_ITEM:
		write_base(u, expr->args.items[0], false);
		tr_write(u, "[");
		tr_write_expr(u, expr->args.items[1]);
		tr_write(u, "]");
		break;
	case TR_AST_EXPR_UNARY: write_unary(u, expr); break;
	case TR_AST_EXPR_BINARY: write_binary(u, expr); break;
	case TR_AST_EXPR_AND: write_flat(u, expr, " AND ", AND); break;
	case TR_AST_EXPR_OR: write_flat(u, expr, " OR ", OR); break;
	case TR_AST_EXPR_BETWEEN:
	case TR_AST_EXPR_IN:
	case TR_AST_EXPR_QUANTIFIED:
	case TR_AST_EXPR_LIKE: write_predicate(u, expr); break;
	case TR_AST_EXPR_CASE: write_case(u, &expr->case_); break;
	case TR_AST_EXPR_CAST:
		tr_write(u, expr->cast.is_try ? "TRY_CAST(" : "CAST(");
		tr_write_expr(u, expr->args.items[0]);
		tr_write(u, " AS ");
		tr_write_type(u, expr->cast.type);
		tr_write(u, ")");
		break;
	case TR_AST_EXPR_SPAN: write_span(u, expr); break;
	case TR_AST_EXPR_CALL: write_call(u, expr); break;
	case TR_AST_EXPR_ROW:
	case TR_AST_EXPR_ARRAY:
	case TR_AST_EXPR_MAP:
	case TR_AST_EXPR_MULTISET: write_constructor(u, expr); break;
	case TR_AST_EXPR_EXISTS:
		tr_write(u, "EXISTS ");
		write_parens(u, expr->query);
		break;
	case TR_AST_EXPR_SUBQUERY: write_parens(u, expr->query); break;
	case TR_AST_EXPR_SYMBOL: tr_write(u, expr->symbol.name); break;
	case TR_AST_EXPR_TABLE_ARG: write_table_arg(u, &expr->table_arg); break;
	case TR_AST_EXPR_DESCRIPTOR:
		tr_write(u, "DESCRIPTOR");
		tr_write_names(u, &expr->descriptor);
		break;
	case TR_AST_EXPR_DEFAULT: tr_write(u, "DEFAULT"); break;
	case TR_AST_EXPR_PARAMETER: tr_write(u, "?"); break;
	default: TR_UNREACHABLE();
	}
}

/* ---------------------------------------------------------------- entrances */

const char *tr_unparse_expr(const struct tr_ast_expr *expr, bool has_all_parens, struct tr_arena *arena)
{
	struct tr_unparser u = {.arena = arena, .has_all_parens = has_all_parens};

	tr_write(&u, "");
	tr_write_expr(&u, expr);
	return u.text;
}

const char *tr_unparse_quoted_expr(const struct tr_ast_expr *expr, struct tr_arena *arena)
{
	struct tr_unparser u = {.arena = arena, .has_all_quotes = true};

	tr_write(&u, "");
	tr_write_expr(&u, expr);
	return u.text;
}

const char *tr_unparse_type(const struct tr_ast_type *type, struct tr_arena *arena)
{
	struct tr_unparser u = {.arena = arena};

	tr_write(&u, "");
	tr_write_type(&u, type);
	return u.text;
}

const char *tr_unparse_name(const char *name, struct tr_arena *arena)
{
	struct tr_unparser u = {.arena = arena};

	tr_write(&u, "");
	tr_write_name(&u, name);
	return u.text;
}
