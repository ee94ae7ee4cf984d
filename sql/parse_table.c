/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE TABLE: columns of three kinds, watermarks, keys, and the clauses behind the parenthesis in Flink's order.
 * Names and option keys that are given twice are reported here, because the binder would only see the second one.
 */
#include "sql/parser.h"

#include <string.h>

bool tr_parse_options(struct tr_parser *p, struct tr_ast_options *out)
{
	uint32_t start = p->at - 1;
	struct tr_list items = {0};

	if (!tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "after WITH"))
		return false;
	if (tr_parser_is(p, TR_TOKEN_RIGHT_PAREN)) {
		tr_parser_skip(p);
		out->span = tr_parser_span(p, start);
		return true;
	}
	do {
		struct tr_ast_option *option = TR_LIST_ADD(p, &items, struct tr_ast_option);

		if (items.count > TR_AST_OPTIONS_MAX)
			return tr_parser_fail(p, TR_E_LIMIT, tr_token_span(tr_parser_peek(p, 0)),
					      "more than %d options", TR_AST_OPTIONS_MAX);
		if (!tr_parser_is_string(p)) {
			tr_parser_fail_expected(p, "an option key in quotes, like 'connector'");
			if (tr_parser_is_name_at(p, 0))
				tr_parser_hint(p, "write keys and values in quotes: 'connector' = 'filesystem'");
			return false;
		}
		if (!tr_parser_string(p, "an option key", &option->key) ||
		    !tr_parser_expect(p, TR_TOKEN_EQUAL, "after an option key"))
			return false;
		if (!tr_parser_is_string(p)) {
			tr_parser_fail_expected(p, "an option value in quotes");
			tr_parser_hint(p, "numbers and booleans stand in quotes too: '%s' = '10'", option->key.text);
			return false;
		}
		if (!tr_parser_string(p, "an option value", &option->value))
			return false;
		for (uint32_t i = 0; i + 1 < items.count; i++)
			if (strcmp(((struct tr_ast_option *)items.items)[i].key.text, option->key.text) == 0)
				return tr_parser_fail(p, TR_E_DUPLICATE, option->key.span, "option '%s' is given twice",
						      option->key.text);
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	if (!tr_parser_accept(p, TR_TOKEN_RIGHT_PAREN)) {
		tr_parser_fail_expected(p, "',' or ')' after an option");
		if (tr_parser_is(p, TR_TOKEN_EQUAL) && tr_token_is_continued(p->text, p->tokens[p->at - 1]))
			tr_parser_hint(p, "put a ',' between the options: strings under each other are one");
		return false;
	}
	out->count = items.count;
	out->items = items.items;
	out->span = tr_parser_span(p, start);
	return true;
}

/* ---------------------------------------------------------------- elements */

struct elements {
	struct tr_list columns;
	struct tr_list watermarks;
	struct tr_list keys;
};

/* [NOT] ENFORCED, or nothing. */
static bool parse_enforced(struct tr_parser *p, bool *is_not_enforced)
{
	*is_not_enforced = tr_parser_accept_words(p, TR_KW_NOT, TR_KW_ENFORCED);
	if (!*is_not_enforced)
		tr_parser_accept_word(p, TR_KW_ENFORCED);
	return true;
}

/* [CONSTRAINT name] PRIMARY KEY (a, b) NOT ENFORCED */
static bool parse_key(struct tr_parser *p, struct tr_ast_key *key)
{
	uint32_t start = p->at;

	if (tr_parser_accept_word(p, TR_KW_CONSTRAINT)) {
		key->name = tr_parser_name_new(p, "a constraint's name");
		if (key->name == NULL)
			return false;
	}
	key->is_unique = tr_parser_accept_word(p, TR_KW_UNIQUE);
	if (!key->is_unique &&
	    (!tr_parser_expect_word(p, TR_KW_PRIMARY, "KEY") || !tr_parser_expect_word(p, TR_KW_KEY, "after PRIMARY")))
		return false;
	if (!tr_parser_names(p, "a column of the key", &key->columns) || !parse_enforced(p, &key->is_not_enforced))
		return false;
	key->span = tr_parser_span(p, start);
	return true;
}

/* WATERMARK FOR column AS expr */
static bool parse_watermark(struct tr_parser *p, struct tr_ast_watermark *watermark)
{
	uint32_t start = p->at;

	tr_parser_skip(p);
	if (!tr_parser_expect_word(p, TR_KW_FOR, "after WATERMARK") ||
	    !tr_parser_path(p, "a column name after WATERMARK FOR", &watermark->column) ||
	    !tr_parser_expect_word(p, TR_KW_AS, "after the column of WATERMARK FOR"))
		return false;
	watermark->expr = tr_parse_expr(p);
	watermark->span = tr_parser_span(p, start);
	return watermark->expr != NULL;
}

/* METADATA [FROM 'key'] [VIRTUAL] */
static bool parse_metadata(struct tr_parser *p, struct tr_ast_column *column)
{
	column->kind = TR_AST_COLUMN_METADATA;
	if (tr_parser_accept_word(p, TR_KW_FROM)) {
		column->metadata_key = tr_parser_string_new(p, "a metadata key in quotes after METADATA FROM");
		if (column->metadata_key == NULL)
			return false;
	}
	column->is_virtual = tr_parser_accept_word(p, TR_KW_VIRTUAL);
	return true;
}

/* What may stand behind a column's type, in any order. */
static bool parse_column_rest(struct tr_parser *p, struct tr_ast_column *column)
{
	bool is_not_enforced;

	for (;;) {
		uint32_t start = p->at;

		if (tr_parser_accept_word(p, TR_KW_METADATA)) {
			if (!parse_metadata(p, column))
				return false;
		} else if (tr_parser_is_word(p, TR_KW_PRIMARY) || tr_parser_is_word(p, TR_KW_CONSTRAINT)) {
			if (tr_parser_accept_word(p, TR_KW_CONSTRAINT) &&
			    tr_parser_name_new(p, "a constraint's name") == NULL)
				return false;
			if (!tr_parser_expect_word(p, TR_KW_PRIMARY, "KEY") ||
			    !tr_parser_expect_word(p, TR_KW_KEY, "after PRIMARY") ||
			    !parse_enforced(p, &is_not_enforced))
				return false;
			if (!is_not_enforced) {
				tr_parser_fail(p, TR_E_SYNTAX, tr_parser_span(p, start),
					       "a primary key must be NOT ENFORCED");
				tr_parser_hint(p, "write PRIMARY KEY NOT ENFORCED: Flink never checks keys");
				return false;
			}
			column->is_primary_key = true;
		} else if (tr_parser_accept_word(p, TR_KW_COMMENT)) {
			column->comment = tr_parser_string_new(p, "a comment in quotes after COMMENT");
			if (column->comment == NULL)
				return false;
		} else {
			return true;
		}
	}
}

static bool parse_column(struct tr_parser *p, struct tr_ast_column *column)
{
	uint32_t start = p->at;

	if (!tr_parser_name(p, "a column name, WATERMARK or PRIMARY KEY", &column->name))
		return false;
	if (tr_parser_is(p, TR_TOKEN_COMMA) || tr_parser_is(p, TR_TOKEN_RIGHT_PAREN)) {
		column->span = tr_parser_span(p, start);
		return true; /* a bare name, of CREATE TABLE .. AS: checked when the query is known */
	}
	if (tr_parser_accept_word(p, TR_KW_AS)) {
		column->kind = TR_AST_COLUMN_COMPUTED;
		column->expr = tr_parse_expr(p);
		if (column->expr == NULL)
			return false;
	} else {
		column->type = tr_parse_type(p);
		if (column->type == NULL)
			return false;
	}
	if (!parse_column_rest(p, column))
		return false;
	column->span = tr_parser_span(p, start);
	return true;
}

static bool check_column_names(struct tr_parser *p, const struct tr_list *columns)
{
	const struct tr_ast_column *items = columns->items;

	for (uint32_t i = 1; i < columns->count; i++)
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(items[i].name.text, items[j].name.text) == 0)
				return tr_parser_fail(p, TR_E_DUPLICATE, items[i].name.span,
						      "the table has two columns named '%s'", items[i].name.text);
	return true;
}

static bool parse_elements(struct tr_parser *p, struct elements *e)
{
	do {
		bool is_good;

		if (e->columns.count == TR_COLUMNS_MAX)
			return tr_parser_fail(p, TR_E_LIMIT, tr_token_span(tr_parser_peek(p, 0)),
					      "a table has at most %d columns", TR_COLUMNS_MAX);
		if (tr_parser_is_word(p, TR_KW_WATERMARK))
			is_good = parse_watermark(p, TR_LIST_ADD(p, &e->watermarks, struct tr_ast_watermark));
		else if (tr_parser_is_word(p, TR_KW_PRIMARY) || tr_parser_is_word(p, TR_KW_CONSTRAINT) ||
			 tr_parser_is_word(p, TR_KW_UNIQUE))
			is_good = parse_key(p, TR_LIST_ADD(p, &e->keys, struct tr_ast_key));
		else
			is_good = parse_column(p, TR_LIST_ADD(p, &e->columns, struct tr_ast_column));
		if (!is_good)
			return false;
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	if (!tr_parser_accept(p, TR_TOKEN_RIGHT_PAREN))
		return tr_parser_fail_expected(p, "',' or ')' after a column");
	return check_column_names(p, &e->columns);
}

/* ---------------------------------------------------------------- clauses behind */

/* DISTRIBUTED BY [HASH|RANGE] (a) [INTO n BUCKETS], DISTRIBUTED INTO n BUCKETS */
static bool parse_distribution(struct tr_parser *p, struct tr_ast_create_table *out)
{
	uint32_t start = p->at - 1;
	struct tr_ast_distribution *distribution = TR_NEW(p->arena, struct tr_ast_distribution);

	if (tr_parser_accept_word(p, TR_KW_BY)) {
		if (tr_parser_accept_word(p, TR_KW_HASH))
			distribution->kind = TR_AST_DISTRIBUTION_HASH;
		else if (tr_parser_accept_word(p, TR_KW_RANGE))
			distribution->kind = TR_AST_DISTRIBUTION_RANGE;
		if (!tr_parser_names(p, "a column name", &distribution->columns))
			return false;
	} else if (!tr_parser_is_word(p, TR_KW_INTO)) {
		return tr_parser_fail_expected(p, "BY or INTO after DISTRIBUTED");
	}
	if (tr_parser_accept_word(p, TR_KW_INTO) &&
	    (!tr_parser_integer(p, "the number of buckets", INT32_MAX, &distribution->bucket_count) ||
	     !tr_parser_expect_word(p, TR_KW_BUCKETS, "after the number of buckets")))
		return false;
	distribution->span = tr_parser_span(p, start);
	out->distribution = distribution;
	return true;
}

static bool parse_like_option(struct tr_parser *p, struct tr_ast_like_option *option)
{
	static const struct {
		enum tr_keyword word;
		enum tr_ast_like_feature feature;
	} features[] = {
		{TR_KW_ALL, TR_AST_LIKE_ALL},
		{TR_KW_CONSTRAINTS, TR_AST_LIKE_CONSTRAINTS},
		{TR_KW_DISTRIBUTION, TR_AST_LIKE_DISTRIBUTION},
		{TR_KW_GENERATED, TR_AST_LIKE_GENERATED},
		{TR_KW_METADATA, TR_AST_LIKE_METADATA},
		{TR_KW_OPTIONS, TR_AST_LIKE_OPTIONS},
		{TR_KW_PARTITIONS, TR_AST_LIKE_PARTITIONS},
		{TR_KW_WATERMARKS, TR_AST_LIKE_WATERMARKS},
	};
	uint32_t start = p->at;

	if (tr_parser_accept_word(p, TR_KW_INCLUDING))
		option->mode = TR_AST_LIKE_INCLUDING;
	else if (tr_parser_accept_word(p, TR_KW_EXCLUDING))
		option->mode = TR_AST_LIKE_EXCLUDING;
	else if (tr_parser_accept_word(p, TR_KW_OVERWRITING))
		option->mode = TR_AST_LIKE_OVERWRITING;
	else
		return tr_parser_fail_expected(p, "INCLUDING, EXCLUDING, OVERWRITING or ')' in LIKE");
	for (uint32_t i = 0; i < TR_COUNT_OF(features); i++) {
		if (!tr_parser_accept_word(p, features[i].word))
			continue;
		option->feature = features[i].feature;
		option->span = tr_parser_span(p, start);
		return true;
	}
	return tr_parser_fail_expected(p, "ALL, CONSTRAINTS, DISTRIBUTION, GENERATED, METADATA, OPTIONS, PARTITIONS "
					  "or WATERMARKS");
}

static bool parse_like(struct tr_parser *p, struct tr_ast_create_table *out)
{
	uint32_t start = p->at - 1;
	struct tr_ast_like *like = TR_NEW(p->arena, struct tr_ast_like);
	struct tr_list options = {0};

	if (!tr_parser_path(p, "a table name after LIKE", &like->table))
		return false;
	if (tr_parser_accept(p, TR_TOKEN_LEFT_PAREN)) {
		while (!tr_parser_accept(p, TR_TOKEN_RIGHT_PAREN))
			if (!parse_like_option(p, TR_LIST_ADD(p, &options, struct tr_ast_like_option)))
				return false;
	}
	like->option_count = options.count;
	like->options = options.items;
	like->span = tr_parser_span(p, start);
	out->like = like;
	return true;
}

static bool parse_clauses(struct tr_parser *p, struct tr_ast_create_table *out)
{
	if (tr_parser_accept_word(p, TR_KW_COMMENT)) {
		out->comment = tr_parser_string_new(p, "a comment in quotes after COMMENT");
		if (out->comment == NULL)
			return false;
	}
	if (tr_parser_accept_word(p, TR_KW_DISTRIBUTED) && !parse_distribution(p, out))
		return false;
	if (tr_parser_accept_word(p, TR_KW_PARTITIONED) &&
	    (!tr_parser_expect_word(p, TR_KW_BY, "after PARTITIONED") ||
	     !tr_parser_names(p, "a column name in PARTITIONED BY", &out->partitioned_by)))
		return false;
	if (tr_parser_accept_word(p, TR_KW_WITH) && !tr_parse_options(p, &out->with))
		return false;
	if (tr_parser_accept_word(p, TR_KW_LIKE) && !parse_like(p, out))
		return false;
	if (tr_parser_accept_word(p, TR_KW_AS)) {
		out->query = tr_parse_query(p);
		return out->query != NULL;
	}
	return true;
}

bool tr_parse_create_table(struct tr_parser *p, struct tr_ast_create_table *out)
{
	struct elements e;

	memset(&e, 0, sizeof(e));
	if (!tr_parser_path(p, "a table name", &out->name))
		return false;
	out->has_columns = tr_parser_accept(p, TR_TOKEN_LEFT_PAREN);
	if (out->has_columns && !parse_elements(p, &e))
		return false;
	out->column_count = e.columns.count;
	out->columns = e.columns.items;
	out->watermark_count = e.watermarks.count;
	out->watermarks = e.watermarks.items;
	out->key_count = e.keys.count;
	out->keys = e.keys.items;
	if (!parse_clauses(p, out))
		return false;
	for (uint32_t i = 0; i < out->column_count && out->query == NULL; i++) {
		const struct tr_ast_column *column = &out->columns[i];

		if (column->type == NULL && column->expr == NULL)
			return tr_parser_fail(p, TR_E_SYNTAX, column->span, "column '%s' has no type",
					      column->name.text);
	}
	if (!out->has_columns && out->with.count == 0 && out->like == NULL && out->query == NULL && out->comment == NULL)
		return tr_parser_fail_expected(p, "'(' after the table's name");
	return true;
}
