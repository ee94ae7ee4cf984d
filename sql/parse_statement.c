/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements and scripts. The loop at the end is where errors stop: a statement that failed is left out, and parsing
 * goes on behind its `;`, or at the next line that begins like a statement, for a `;` may be what was forgotten.
 */
#include "sql/parse.h"

#include <string.h>

#include "sql/parser.h"

static bool parse_statement(struct tr_parser *p, struct tr_ast_statement *s, bool is_nested);

static struct tr_ast_statement *new_statement(struct tr_parser *p)
{
	struct tr_ast_statement *s = TR_NEW(p->arena, struct tr_ast_statement);

	p->expr_count = p->table_count = 0;
	return s;
}

/* ---------------------------------------------------------------- CREATE */

static bool parse_view(struct tr_parser *p, struct tr_ast_create_view *view)
{
	uint32_t start;

	if (!tr_parser_path(p, "a view name", &view->name) ||
	    (tr_parser_is(p, TR_TOKEN_LEFT_PAREN) && !tr_parser_names(p, "a column name", &view->columns)))
		return false;
	if (tr_parser_accept_word(p, TR_KW_COMMENT)) {
		view->comment = tr_parser_string_new(p, "a comment in quotes after COMMENT");
		if (view->comment == NULL)
			return false;
	}
	if (!tr_parser_expect_word(p, TR_KW_AS, "and a query in CREATE VIEW"))
		return false;
	start = p->at;
	view->query = tr_parse_query(p);
	view->query_span = tr_parser_span(p, start);
	return view->query != NULL;
}

/* JAR '..' */
static bool parse_resource(struct tr_parser *p, struct tr_ast_resource *resource)
{
	static const char *const words[] = {"JAR", "ARTIFACT", "LIBRARY"};

	for (uint32_t i = 0; i < TR_COUNT_OF(words); i++) {
		if (!tr_parser_is_text(p, 0, words[i]))
			continue;
		tr_parser_skip(p);
		resource->kind = (enum tr_ast_resource_kind)i;
		return tr_parser_string(p, "a path in quotes", &resource->path);
	}
	return tr_parser_fail_expected(p, "LIBRARY, JAR or ARTIFACT after USING");
}

/* AS 'class' [LANGUAGE name] [USING JAR '..', JAR '..'] */
static bool parse_function(struct tr_parser *p, struct tr_ast_create_function *function)
{
	struct tr_list resources = {0};

	if (!tr_parser_path(p, "a function name", &function->name) ||
	    !tr_parser_expect_word(p, TR_KW_AS, "and the implementation of the function") ||
	    !tr_parser_string(p, "the implementation in quotes after AS", &function->class_name))
		return false;
	if (tr_parser_accept_word(p, TR_KW_LANGUAGE)) {
		struct tr_ast_name *name = TR_NEW(p->arena, struct tr_ast_name);
		const struct tr_token *token = tr_parser_peek(p, 0);

		if (token->kind != TR_TOKEN_WORD)
			return tr_parser_fail_expected(p, "C, JAVA, SCALA, PYTHON or SQL after LANGUAGE");
		*name = (struct tr_ast_name){tr_parser_text(p, tr_token_span(token)).text, tr_token_span(token)};
		tr_parser_skip(p);
		function->language = name;
	}
	if (tr_parser_accept_word(p, TR_KW_USING)) {
		do {
			if (!parse_resource(p, TR_LIST_ADD(p, &resources, struct tr_ast_resource)))
				return false;
		} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	}
	function->resource_count = resources.count;
	function->resources = resources.items;
	return true;
}

static bool parse_namespace(struct tr_parser *p, struct tr_ast_create_namespace *space)
{
	if (!tr_parser_path(p, space->is_catalog ? "a catalog name" : "a database name", &space->name))
		return false;
	if (tr_parser_accept_word(p, TR_KW_COMMENT)) {
		space->comment = tr_parser_string_new(p, "a comment in quotes after COMMENT");
		if (space->comment == NULL)
			return false;
	}
	return !tr_parser_accept_word(p, TR_KW_WITH) || tr_parse_options(p, &space->with);
}

static bool accept_if_not_exists(struct tr_parser *p)
{
	if (!tr_parser_is_words(p, TR_KW_IF, TR_KW_NOT) || !tr_parser_is_word_at(p, 2, TR_KW_EXISTS))
		return false;
	p->at += 3;
	return true;
}

/* At CREATE or REPLACE. */
static bool parse_create(struct tr_parser *p, struct tr_ast_statement *s, uint32_t start)
{
	bool is_replace = tr_parser_is_word(p, TR_KW_REPLACE), is_temporary, is_system;

	tr_parser_skip(p);
	is_replace |= tr_parser_accept_words(p, TR_KW_OR, TR_KW_REPLACE);
	is_temporary = tr_parser_accept_word(p, TR_KW_TEMPORARY);
	is_system = is_temporary && tr_parser_accept_word(p, TR_KW_SYSTEM);
	if (tr_parser_accept_word(p, TR_KW_TABLE)) {
		s->kind = TR_AST_STATEMENT_CREATE_TABLE;
		s->word_span = tr_parser_span(p, start);
		s->create_table.is_temporary = is_temporary;
		s->create_table.is_replace = is_replace;
		s->create_table.if_not_exists = accept_if_not_exists(p);
		return tr_parse_create_table(p, &s->create_table);
	}
	if (tr_parser_accept_word(p, TR_KW_VIEW)) {
		s->kind = TR_AST_STATEMENT_CREATE_VIEW;
		s->word_span = tr_parser_span(p, start);
		s->create_view.is_temporary = is_temporary;
		s->create_view.is_replace = is_replace;
		s->create_view.if_not_exists = accept_if_not_exists(p);
		return parse_view(p, &s->create_view);
	}
	if (tr_parser_accept_word(p, TR_KW_FUNCTION)) {
		s->kind = TR_AST_STATEMENT_CREATE_FUNCTION;
		s->word_span = tr_parser_span(p, start);
		s->create_function.is_temporary = is_temporary;
		s->create_function.is_system = is_system;
		s->create_function.if_not_exists = accept_if_not_exists(p);
		return parse_function(p, &s->create_function);
	}
	if (tr_parser_is_word(p, TR_KW_DATABASE) || tr_parser_is_word(p, TR_KW_CATALOG)) {
		s->kind = TR_AST_STATEMENT_CREATE_NAMESPACE;
		s->create_namespace.is_catalog = tr_parser_is_word(p, TR_KW_CATALOG);
		tr_parser_skip(p);
		s->word_span = tr_parser_span(p, start);
		s->create_namespace.if_not_exists = accept_if_not_exists(p);
		return parse_namespace(p, &s->create_namespace);
	}
	return tr_parser_fail_expected(p, "TABLE, VIEW, FUNCTION, DATABASE or CATALOG after %s",
				       is_temporary ? "TEMPORARY"
				       : is_replace ? "REPLACE"
						    : "CREATE");
}

/* At ALTER FUNCTION. */
static bool parse_alter_function(struct tr_parser *p, struct tr_ast_statement *s, uint32_t start)
{
	p->at += 2;
	s->kind = TR_AST_STATEMENT_CREATE_FUNCTION;
	s->word_span = tr_parser_span(p, start);
	s->create_function.is_alter = true;
	s->create_function.if_exists = tr_parser_accept_words(p, TR_KW_IF, TR_KW_EXISTS);
	return parse_function(p, &s->create_function);
}

/* ---------------------------------------------------------------- INSERT */

/* PARTITION (dt = '2026-01-01', hour) */
static bool parse_partitions(struct tr_parser *p, struct tr_ast_insert *insert)
{
	struct tr_list partitions = {0};

	if (!tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "after PARTITION"))
		return false;
	do {
		struct tr_ast_partition_value *value = TR_LIST_ADD(p, &partitions, struct tr_ast_partition_value);

		if (!tr_parser_name(p, "a partition column", &value->column))
			return false;
		if (tr_parser_accept(p, TR_TOKEN_EQUAL)) {
			value->value = tr_parse_expr_additive(p);
			if (value->value == NULL)
				return false;
		}
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	insert->partition_count = partitions.count;
	insert->partitions = partitions.items;
	return tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the partition columns");
}

/* ON CONFLICT DO {NOTHING | ERROR | DEDUPLICATE} */
static bool parse_conflict(struct tr_parser *p, struct tr_ast_insert *insert)
{
	uint32_t start = p->at;

	p->at += 2;
	if (!tr_parser_expect_word(p, TR_KW_DO, "after ON CONFLICT"))
		return false;
	insert->conflict = tr_parser_accept_word(p, TR_KW_NOTHING)       ? TR_AST_CONFLICT_NOTHING
			   : tr_parser_accept_word(p, TR_KW_ERROR)       ? TR_AST_CONFLICT_ERROR
			   : tr_parser_accept_word(p, TR_KW_DEDUPLICATE) ? TR_AST_CONFLICT_DEDUPLICATE
									 : TR_AST_CONFLICT_NONE;
	if (insert->conflict == TR_AST_CONFLICT_NONE)
		return tr_parser_fail_expected(p, "NOTHING, ERROR or DEDUPLICATE after ON CONFLICT DO");
	insert->conflict_span = tr_parser_span(p, start);
	return true;
}

static bool parse_insert(struct tr_parser *p, struct tr_ast_statement *s, uint32_t start)
{
	struct tr_ast_insert *insert = &s->insert;

	tr_parser_skip(p);
	s->kind = TR_AST_STATEMENT_INSERT;
	insert->is_overwrite = tr_parser_accept_word(p, TR_KW_OVERWRITE);
	if (!insert->is_overwrite && !tr_parser_accept_word(p, TR_KW_INTO))
		return tr_parser_fail_expected(p, "INTO or OVERWRITE after INSERT");
	s->word_span = tr_parser_span(p, start);
	if (tr_parser_is_word(p, TR_KW_TABLE)) {
		tr_parser_fail_expected(p, "a table name");
		tr_parser_hint(p, "leave TABLE out");
		return false;
	}
	if (!tr_parser_path(
		    p, insert->is_overwrite ? "a table name after INSERT OVERWRITE" : "a table name after INSERT INTO",
		    &insert->table) ||
	    !tr_parse_hints(p, &insert->hints))
		return false;
	if (tr_parser_accept_word(p, TR_KW_PARTITION) && !parse_partitions(p, insert))
		return false;
	if (tr_parser_is(p, TR_TOKEN_LEFT_PAREN) && !tr_parse_is_query(p, 1) &&
	    tr_parser_peek(p, 1)->kind != TR_TOKEN_LEFT_PAREN && !tr_parser_names(p, "a column name", &insert->columns))
		return false;
	if (!tr_parse_is_query(p, 0) && !tr_parser_is(p, TR_TOKEN_LEFT_PAREN))
		return tr_parser_fail_expected(p, "SELECT, VALUES or a column list after the table's name");
	insert->query = tr_parse_query(p);
	if (insert->query == NULL)
		return false;
	return !tr_parser_is_words(p, TR_KW_ON, TR_KW_CONFLICT) || parse_conflict(p, insert);
}

/* ---------------------------------------------------------------- statement sets, EXPLAIN */

/* INSERTs up to END. */
static bool parse_set_members(struct tr_parser *p, struct tr_ast_statement *s, uint32_t start)
{
	struct tr_list members = {0};

	s->kind = TR_AST_STATEMENT_STATEMENT_SET;
	s->word_span = tr_parser_span(p, start);
	while (!tr_parser_is_word(p, TR_KW_END)) {
		struct tr_ast_statement *member = new_statement(p);
		uint32_t member_start = p->at;

		if (tr_parser_accept(p, TR_TOKEN_SEMICOLON))
			continue;
		if (tr_parser_is(p, TR_TOKEN_END)) {
			tr_parser_fail(p, TR_E_SYNTAX, s->word_span, "this statement set has no END");
			tr_parser_hint(p, "close it with END; after the last INSERT");
			return false;
		}
		if (!tr_parser_is_word(p, TR_KW_INSERT))
			return tr_parser_fail_expected(p, "INSERT or END in a statement set");
		if (!parse_insert(p, member, p->at))
			return false;
		member->span = tr_parser_span(p, member_start);
		*TR_LIST_ADD(p, &members, struct tr_ast_statement *) = member;
		if (!tr_parser_is(p, TR_TOKEN_SEMICOLON) && !tr_parser_is_word(p, TR_KW_END))
			return tr_parser_fail_expected(p, "';' after an INSERT of a statement set");
	}
	tr_parser_skip(p);
	if (members.count == 0)
		return tr_parser_fail(p, TR_E_SYNTAX, s->word_span, "this statement set is empty");
	s->statement_set.count = members.count;
	s->statement_set.statements = members.items;
	return true;
}

/* EXECUTE STATEMENT SET BEGIN .. END, EXECUTE query, EXECUTE INSERT .. */
static bool parse_execute(struct tr_parser *p, struct tr_ast_statement *s, uint32_t start, bool is_nested)
{
	tr_parser_skip(p);
	if (tr_parser_accept_words(p, TR_KW_STATEMENT, TR_KW_SET))
		return tr_parser_expect_word(p, TR_KW_BEGIN, "after STATEMENT SET") && parse_set_members(p, s, start);
	if (tr_parse_is_query(p, 0) || tr_parser_is_word(p, TR_KW_INSERT))
		return parse_statement(p, s, is_nested);
	return tr_parser_fail_expected(p, "STATEMENT SET, INSERT or a query after EXECUTE");
}

static bool parse_explain_details(struct tr_parser *p, struct tr_ast_explain *explain)
{
	static const struct {
		enum tr_keyword word;
		enum tr_ast_explain_detail bit;
	} details[] = {
		{TR_KW_ESTIMATED_COST, TR_AST_EXPLAIN_ESTIMATED_COST},
		{TR_KW_CHANGELOG_MODE, TR_AST_EXPLAIN_CHANGELOG_MODE},
		{TR_KW_JSON_EXECUTION_PLAN, TR_AST_EXPLAIN_JSON_EXECUTION_PLAN},
		{TR_KW_PLAN_ADVICE, TR_AST_EXPLAIN_PLAN_ADVICE},
	};
	bool has_comma = false;

	do {
		uint32_t i = 0;

		while (i < TR_COUNT_OF(details) && !tr_parser_accept_word(p, details[i].word))
			i++;
		if (i == TR_COUNT_OF(details))
			return has_comma ? tr_parser_fail_expected(p, "a detail like CHANGELOG_MODE after ','") : true;
		if ((explain->details & (uint32_t)details[i].bit) != 0)
			return tr_parser_fail(p, TR_E_DUPLICATE, tr_token_span(&p->tokens[p->at - 1]),
					      "this detail is given twice");
		explain->details |= (uint32_t)details[i].bit;
		has_comma = tr_parser_accept(p, TR_TOKEN_COMMA);
	} while (has_comma);
	return true;
}

static bool parse_explain(struct tr_parser *p, struct tr_ast_statement *s)
{
	struct tr_ast_statement *inner;
	uint32_t start;

	s->kind = TR_AST_STATEMENT_EXPLAIN;
	tr_parser_skip(p);
	s->explain.has_plan_for = tr_parser_accept_words(p, TR_KW_PLAN, TR_KW_FOR);
	if (!s->explain.has_plan_for && !parse_explain_details(p, &s->explain))
		return false;
	start = p->at;
	if (!tr_parse_is_query(p, 0) && !tr_parser_is(p, TR_TOKEN_LEFT_PAREN) && !tr_parser_is_word(p, TR_KW_INSERT) &&
	    !tr_parser_is_word(p, TR_KW_EXECUTE) && !tr_parser_is_words(p, TR_KW_STATEMENT, TR_KW_SET) &&
	    !tr_parser_is_word(p, TR_KW_CREATE) && !tr_parser_is_word(p, TR_KW_REPLACE))
		return tr_parser_fail_expected(p, "a query, INSERT, STATEMENT SET or CREATE TABLE .. AS after EXPLAIN");
	inner = new_statement(p);
	if (tr_parser_accept_words(p, TR_KW_STATEMENT, TR_KW_SET)) {
		if (!tr_parser_expect_word(p, TR_KW_BEGIN, "after STATEMENT SET") || !parse_set_members(p, inner, start))
			return false;
	} else if (!parse_statement(p, inner, true)) {
		return false;
	}
	inner->span = tr_parser_span(p, start);
	s->explain.statement = inner;
	return true;
}

/* BEGIN STATEMENT SET; .. END */
static bool parse_begin(struct tr_parser *p, struct tr_ast_statement *s, uint32_t start)
{
	tr_parser_skip(p);
	if (!tr_parser_accept_words(p, TR_KW_STATEMENT, TR_KW_SET))
		return tr_parser_fail_expected(p, "STATEMENT SET after BEGIN");
	return tr_parser_expect(p, TR_TOKEN_SEMICOLON, "after BEGIN STATEMENT SET") && parse_set_members(p, s, start);
}

/* ---------------------------------------------------------------- one statement */

static bool parse_statement(struct tr_parser *p, struct tr_ast_statement *s, bool is_nested)
{
	uint32_t start = p->at;

	s->word_span = tr_token_span(tr_parser_peek(p, 0));
	if (tr_parse_other(p, start, &s->other)) {
		s->kind = TR_AST_STATEMENT_OTHER;
		s->word_span = s->other.words_span;
		return true;
	}
	if (p->has_failed)
		return false;
	switch ((enum tr_keyword)tr_parser_peek(p, 0)->keyword) {
	case TR_KW_CREATE:
	case TR_KW_REPLACE: return parse_create(p, s, start);
	case TR_KW_ALTER:
		if (tr_parser_is_word_at(p, 1, TR_KW_FUNCTION))
			return parse_alter_function(p, s, start);
		break;
	case TR_KW_INSERT: return parse_insert(p, s, start);
	case TR_KW_EXECUTE: return parse_execute(p, s, start, is_nested);
	case TR_KW_BEGIN: return parse_begin(p, s, start);
	case TR_KW_EXPLAIN:
		if (!is_nested)
			return parse_explain(p, s);
		break;
	case TR_KW_DROP:
		s->kind = TR_AST_STATEMENT_DROP;
		tr_parser_skip(p);
		return tr_parse_drop(p, &s->drop);
	case TR_KW_SHOW:
		s->kind = TR_AST_STATEMENT_SHOW;
		tr_parser_skip(p);
		return tr_parse_show(p, &s->show);
	case TR_KW_USE:
		s->kind = TR_AST_STATEMENT_USE;
		tr_parser_skip(p);
		return tr_parse_use(p, &s->use);
	case TR_KW_DESCRIBE:
	case TR_KW_DESC:
		s->kind = TR_AST_STATEMENT_DESCRIBE;
		tr_parser_skip(p);
		return tr_parse_describe(p, &s->describe);
	case TR_KW_SET:
	case TR_KW_RESET:
		s->kind = tr_parser_is_word(p, TR_KW_SET) ? TR_AST_STATEMENT_SET : TR_AST_STATEMENT_RESET;
		tr_parser_skip(p);
		return tr_parse_set(p, s->kind == TR_AST_STATEMENT_RESET, &s->set);
	default: break;
	}
	if (!tr_parse_is_query(p, 0) && !tr_parser_is(p, TR_TOKEN_LEFT_PAREN))
		return tr_parser_fail_expected(p, "a statement (SELECT, INSERT, CREATE TABLE, ...)");
	s->kind = TR_AST_STATEMENT_QUERY;
	s->query = tr_parse_query(p);
	return s->query != NULL;
}

/* ---------------------------------------------------------------- scripts */

/* Whether the next token begins a line with a word that only begins statements. */
static bool is_at_new_statement(const struct tr_parser *p)
{
	const struct tr_token *token = tr_parser_peek(p, 0);
	enum tr_keyword word = (enum tr_keyword)token->keyword;
	uint32_t at = token->start;

	if (word != TR_KW_CREATE && word != TR_KW_INSERT && word != TR_KW_DROP && word != TR_KW_EXECUTE &&
	    word != TR_KW_EXPLAIN)
		return false;
	return at == 0 || p->text->text[at - 1] == '\n';
}

static void recover(struct tr_parser *p, uint32_t start)
{
	if (p->at == start)
		tr_parser_skip(p);
	while (!tr_parser_is(p, TR_TOKEN_SEMICOLON) && !tr_parser_is(p, TR_TOKEN_END) && !is_at_new_statement(p))
		tr_parser_skip(p);
}

static void reset(struct tr_parser *p)
{
	p->has_failed = false;
	p->depth = 0;
}

struct tr_ast_script *tr_parse_script(const struct tr_script_text *text, struct tr_arena *arena, struct tr_diags *diags)
{
	struct tr_ast_script *script = TR_NEW(arena, struct tr_ast_script);
	struct tr_list statements = {0};
	struct tr_parser parser, *p = &parser;

	diags->text = script->text = text;
	tr_parser_init(p, text, arena, diags);
	while (!tr_parser_is(p, TR_TOKEN_END) && diags->error_count < TR_DIAG_ERRORS_MAX) {
		uint32_t start = p->at;
		struct tr_ast_statement *s;

		if (tr_parser_accept(p, TR_TOKEN_SEMICOLON))
			continue;
		if (diags->error_count > 0 && tr_parser_accept_word(p, TR_KW_END))
			continue; /* of a statement set with an error inside */
		reset(p);
		s = new_statement(p);
		if (statements.count == TR_AST_STATEMENTS_MAX) {
			tr_parser_fail(p, TR_E_LIMIT, tr_token_span(tr_parser_peek(p, 0)),
				       "a script has at most %d statements", TR_AST_STATEMENTS_MAX);
			break;
		}
		if (parse_statement(p, s, false) && !tr_parser_is(p, TR_TOKEN_SEMICOLON) &&
		    !tr_parser_is(p, TR_TOKEN_END)) {
			tr_parser_fail_expected(p, "';' or the end of the statement");
			if (is_at_new_statement(p))
				tr_parser_hint(p, "a ';' is missing before this statement");
		}
		if (p->has_failed) {
			recover(p, start);
			continue;
		}
		s->span = tr_parser_span(p, start);
		*TR_LIST_ADD(p, &statements, struct tr_ast_statement *) = s;
	}
	script->count = statements.count;
	script->statements = statements.items;
	return script;
}

/* ---------------------------------------------------------------- parts */

static bool is_whole(struct tr_parser *p, const void *part, const char *what)
{
	if (part == NULL)
		return false;
	return tr_parser_is(p, TR_TOKEN_END) || tr_parser_fail_expected(p, "the end of the %s", what);
}

struct tr_ast_expr *tr_parse_expr_text(const struct tr_script_text *text, struct tr_arena *arena, struct tr_diags *diags)
{
	struct tr_parser p;
	struct tr_ast_expr *expr;

	tr_parser_init(&p, text, arena, diags);
	expr = tr_parse_expr(&p);
	return is_whole(&p, expr, "expression") && diags->error_count == 0 ? expr : NULL;
}

struct tr_ast_type *tr_parse_type_text(const struct tr_script_text *text, struct tr_arena *arena, struct tr_diags *diags)
{
	struct tr_parser p;
	struct tr_ast_type *type;

	tr_parser_init(&p, text, arena, diags);
	type = tr_parse_type(&p);
	return is_whole(&p, type, "type") && diags->error_count == 0 ? type : NULL;
}

struct tr_ast_query *tr_parse_query_text(const struct tr_script_text *text, struct tr_arena *arena,
					 struct tr_diags *diags)
{
	struct tr_parser p;
	struct tr_ast_query *query;

	tr_parser_init(&p, text, arena, diags);
	query = tr_parse_query(&p);
	return is_whole(&p, query, "query") && diags->error_count == 0 ? query : NULL;
}
