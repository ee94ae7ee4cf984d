/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON functions: the pairs of JSON_OBJECT, and the words behind the arguments.
 *
 *     JSON_VALUE    [RETURNING type] [NULL | ERROR | DEFAULT literal ON EMPTY] [NULL | ERROR | DEFAULT literal ON ERROR]
 *     JSON_QUERY    [RETURNING type] [WITHOUT [ARRAY] WRAPPER | WITH [CONDITIONAL | UNCONDITIONAL] [ARRAY] WRAPPER]
 *                   [NULL | ERROR | EMPTY ARRAY | EMPTY OBJECT ON EMPTY] [.. ON ERROR]
 *     JSON_EXISTS   [TRUE | FALSE | UNKNOWN | ERROR ON ERROR]
 *     JSON_OBJECT, JSON_ARRAY and their aggregates   [NULL | ABSENT ON NULL]
 *
 * Each may stand once, in any order.
 */
#include "sql/parser.h"

bool tr_parse_is_json(enum tr_keyword function)
{
	return function == TR_KW_JSON_EXISTS || function == TR_KW_JSON_VALUE || function == TR_KW_JSON_QUERY ||
	       function == TR_KW_JSON_OBJECT || function == TR_KW_JSON_ARRAY || function == TR_KW_JSON_OBJECTAGG ||
	       function == TR_KW_JSON_ARRAYAGG;
}

/* KEY k VALUE v, k VALUE v or k : v */
bool tr_parse_json_pairs(struct tr_parser *p, struct tr_list *args)
{
	do {
		uint8_t next = tr_parser_peek(p, 1)->kind;
		struct tr_ast_expr *key, *value;

		if (tr_parser_is_word(p, TR_KW_KEY) && !tr_parser_is_word_at(p, 1, TR_KW_VALUE) &&
		    next != TR_TOKEN_COLON && next != TR_TOKEN_DOT)
			tr_parser_skip(p);
		key = tr_parse_expr(p);
		if (key == NULL)
			return false;
		if (!tr_parser_accept_word(p, TR_KW_VALUE) && !tr_parser_accept(p, TR_TOKEN_COLON))
			return tr_parser_fail_expected(p, "VALUE after a key of JSON_OBJECT");
		value = tr_parse_expr(p);
		if (value == NULL)
			return false;
		*TR_LIST_ADD(p, args, struct tr_ast_expr *) = key;
		*TR_LIST_ADD(p, args, struct tr_ast_expr *) = value;
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	return true;
}

/* CONDITIONAL and UNCONDITIONAL are no keywords elsewhere. */
static bool accept_text(struct tr_parser *p, const char *upper)
{
	const bool is = tr_parser_is_text(p, 0, upper);

	if (is)
		tr_parser_skip(p);
	return is;
}

/* At WITH or WITHOUT. */
static bool parse_wrapper(struct tr_parser *p, struct tr_ast_json *json)
{
	json->has_wrapper = true;
	if (tr_parser_accept_word(p, TR_KW_WITHOUT)) {
		json->wrapper = TR_AST_JSON_WITHOUT;
	} else {
		tr_parser_skip(p);
		json->wrapper = accept_text(p, "CONDITIONAL") ? TR_AST_JSON_CONDITIONAL : TR_AST_JSON_UNCONDITIONAL;
		if (json->wrapper == TR_AST_JSON_UNCONDITIONAL)
			(void)accept_text(p, "UNCONDITIONAL");
	}
	tr_parser_accept_word(p, TR_KW_ARRAY);
	return tr_parser_expect_word(p, TR_KW_WRAPPER, "after WITH or WITHOUT");
}

/* The word or words before ON; a DEFAULT's expression goes to `value`. */
static enum tr_ast_json_behaviour parse_behaviour(struct tr_parser *p, struct tr_ast_expr **value)
{
	if (tr_parser_accept_word(p, TR_KW_NULL))
		return TR_AST_JSON_NULL;
	if (tr_parser_accept_word(p, TR_KW_ERROR))
		return TR_AST_JSON_ERROR;
	if (tr_parser_accept_word(p, TR_KW_TRUE))
		return TR_AST_JSON_TRUE;
	if (tr_parser_accept_word(p, TR_KW_FALSE))
		return TR_AST_JSON_FALSE;
	if (tr_parser_accept_word(p, TR_KW_UNKNOWN))
		return TR_AST_JSON_UNKNOWN;
	if (tr_parser_accept_words(p, TR_KW_EMPTY, TR_KW_ARRAY))
		return TR_AST_JSON_EMPTY_ARRAY;
	if (tr_parser_accept_words(p, TR_KW_EMPTY, TR_KW_OBJECT))
		return TR_AST_JSON_EMPTY_OBJECT;
	if (tr_parser_accept_word(p, TR_KW_DEFAULT)) {
		*value = tr_parse_expr(p);
		return *value != NULL ? TR_AST_JSON_DEFAULT : TR_AST_JSON_UNSAID;
	}
	return TR_AST_JSON_UNSAID;
}

static bool allows(enum tr_keyword function, enum tr_ast_json_behaviour behaviour, bool is_empty)
{
	switch (behaviour) {
	case TR_AST_JSON_ERROR: return true;
	case TR_AST_JSON_NULL: return function != TR_KW_JSON_EXISTS;
	case TR_AST_JSON_DEFAULT: return function == TR_KW_JSON_VALUE;
	case TR_AST_JSON_EMPTY_ARRAY:
	case TR_AST_JSON_EMPTY_OBJECT: return function == TR_KW_JSON_QUERY;
	default: return function == TR_KW_JSON_EXISTS && !is_empty;
	}
}

static bool parse_on(struct tr_parser *p, enum tr_keyword function, struct tr_ast_json *json)
{
	const char *expected = function == TR_KW_JSON_VALUE    ? "RETURNING, NULL, ERROR, DEFAULT or ')'"
			       : function == TR_KW_JSON_QUERY  ? "RETURNING, WITH, WITHOUT, NULL, ERROR, EMPTY or ')'"
			       : function == TR_KW_JSON_EXISTS ? "TRUE, FALSE, UNKNOWN, ERROR or ')'"
							       : "NULL, ABSENT or ')'";
	struct tr_ast_expr *value = NULL;
	const uint32_t start = p->at;
	const enum tr_ast_json_behaviour behaviour = parse_behaviour(p, &value);
	bool is_empty;

	if (behaviour == TR_AST_JSON_UNSAID)
		return !p->has_failed && tr_parser_fail_expected(p, "%s", expected);
	if (!tr_parser_expect_word(p, TR_KW_ON, "EMPTY or ERROR"))
		return false;
	is_empty = tr_parser_accept_word(p, TR_KW_EMPTY);
	if (!is_empty && !tr_parser_accept_word(p, TR_KW_ERROR))
		return tr_parser_fail_expected(p, "EMPTY or ERROR after ON");
	if (!allows(function, behaviour, is_empty) || (is_empty ? json->on_empty : json->on_error) != TR_AST_JSON_UNSAID)
		return tr_parser_fail(p, TR_E_SYNTAX, tr_parser_span(p, start), "'%s' can't stand here%s",
				      tr_parser_text(p, tr_parser_span(p, start)).text,
				      allows(function, behaviour, is_empty) ? " twice" : "");
	if (is_empty) {
		json->on_empty = behaviour;
		json->default_on_empty = value;
	} else {
		json->on_error = behaviour;
		json->default_on_error = value;
	}
	return true;
}

static bool parse_word(struct tr_parser *p, enum tr_keyword function, struct tr_ast_json *json)
{
	const bool is_reading =
		function == TR_KW_JSON_VALUE || function == TR_KW_JSON_QUERY || function == TR_KW_JSON_EXISTS;

	if (!is_reading && json->on_null == TR_AST_JSON_ON_NULL_UNSAID && tr_parser_is_word_at(p, 1, TR_KW_ON) &&
	    tr_parser_is_word_at(p, 2, TR_KW_NULL) &&
	    (tr_parser_is_word(p, TR_KW_NULL) || tr_parser_is_word(p, TR_KW_ABSENT))) {
		json->on_null =
			tr_parser_is_word(p, TR_KW_NULL) ? TR_AST_JSON_NULL_ON_NULL : TR_AST_JSON_ABSENT_ON_NULL;
		p->at += 3;
		return true;
	}
	if (!is_reading)
		return tr_parser_fail_expected(p, "NULL ON NULL, ABSENT ON NULL or ')'");
	if (function != TR_KW_JSON_EXISTS && json->returning == NULL && tr_parser_accept_word(p, TR_KW_RETURNING)) {
		json->returning = tr_parse_type(p);
		return json->returning != NULL;
	}
	if (function == TR_KW_JSON_QUERY && !json->has_wrapper &&
	    (tr_parser_is_word(p, TR_KW_WITH) || tr_parser_is_word(p, TR_KW_WITHOUT)))
		return parse_wrapper(p, json);
	return parse_on(p, function, json);
}

const struct tr_ast_json *tr_parse_json(struct tr_parser *p, enum tr_keyword function)
{
	struct tr_ast_json *json = TR_NEW(p->arena, struct tr_ast_json);
	const uint32_t start = p->at;

	while (!tr_parser_is(p, TR_TOKEN_RIGHT_PAREN))
		if (!parse_word(p, function, json))
			return NULL;
	json->text = tr_parser_text(p, tr_parser_span(p, start));
	return json;
}

uint32_t tr_parse_json_height(const struct tr_ast_json *json)
{
	uint32_t height = 0;

	if (json->default_on_empty != NULL)
		height = json->default_on_empty->height;
	if (json->default_on_error != NULL)
		height = TR_MAX(height, json->default_on_error->height);
	return height;
}
