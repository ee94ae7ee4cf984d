/* SPDX-License-Identifier: Apache-2.0
 *
 * The small statements: DROP, SHOW, USE, DESCRIBE, SET and RESET; and those that are known by their first words only
 * (ALTER, CALL, STOP JOB ...), which are taken as they stand up to their `;`.
 */
#include "sql/parser.h"

#include <string.h>

struct object_word {
	enum tr_keyword word;
	enum tr_ast_object_kind object;
};

static const struct object_word object_words[] = {
	{TR_KW_TABLE, TR_AST_OBJECT_TABLE},       {TR_KW_VIEW, TR_AST_OBJECT_VIEW},
	{TR_KW_FUNCTION, TR_AST_OBJECT_FUNCTION}, {TR_KW_DATABASE, TR_AST_OBJECT_DATABASE},
	{TR_KW_SCHEMA, TR_AST_OBJECT_DATABASE},   {TR_KW_CATALOG, TR_AST_OBJECT_CATALOG},
	{TR_KW_MODEL, TR_AST_OBJECT_MODEL},       {TR_KW_CONNECTION, TR_AST_OBJECT_CONNECTION},
	{TR_KW_MODULE, TR_AST_OBJECT_MODULE},
};

/* TABLE, VIEW, ..., MATERIALIZED TABLE; false without a failure: none of them. */
static bool accept_object(struct tr_parser *p, enum tr_ast_object_kind *out)
{
	if (tr_parser_accept_words(p, TR_KW_MATERIALIZED, TR_KW_TABLE)) {
		*out = TR_AST_OBJECT_MATERIALIZED_TABLE;
		return true;
	}
	for (uint32_t i = 0; i < TR_COUNT_OF(object_words); i++) {
		if (tr_parser_accept_word(p, object_words[i].word)) {
			*out = object_words[i].object;
			return true;
		}
	}
	return false;
}

bool tr_parse_drop(struct tr_parser *p, struct tr_ast_drop *out)
{
	out->is_temporary = tr_parser_accept_word(p, TR_KW_TEMPORARY);
	out->is_system = tr_parser_accept_word(p, TR_KW_SYSTEM);
	if (!accept_object(p, &out->object))
		return tr_parser_fail_expected(p, "TABLE, VIEW, FUNCTION, DATABASE or CATALOG after DROP");
	out->if_exists = tr_parser_accept_words(p, TR_KW_IF, TR_KW_EXISTS);
	if (!tr_parser_path(p, "the name of what to drop", &out->name))
		return false;
	out->is_cascade = tr_parser_accept_word(p, TR_KW_CASCADE);
	if (!out->is_cascade)
		tr_parser_accept_word(p, TR_KW_RESTRICT);
	return true;
}

/* ---------------------------------------------------------------- SHOW */

/* The words behind SHOW, separated by spaces. */
static const struct {
	const char *words;
	enum tr_ast_show_kind kind;
} shows[] = {
	{"TABLES", TR_AST_SHOW_TABLES},
	{"VIEWS", TR_AST_SHOW_VIEWS},
	{"FUNCTIONS", TR_AST_SHOW_FUNCTIONS},
	{"USER FUNCTIONS", TR_AST_SHOW_USER_FUNCTIONS},
	{"CATALOGS", TR_AST_SHOW_CATALOGS},
	{"DATABASES", TR_AST_SHOW_DATABASES},
	{"COLUMNS", TR_AST_SHOW_COLUMNS},
	{"PARTITIONS", TR_AST_SHOW_PARTITIONS},
	{"CREATE", TR_AST_SHOW_CREATE},
	{"JARS", TR_AST_SHOW_JARS},
	{"JOBS", TR_AST_SHOW_JOBS},
	{"MODULES", TR_AST_SHOW_MODULES},
	{"FULL MODULES", TR_AST_SHOW_FULL_MODULES},
	{"CURRENT CATALOG", TR_AST_SHOW_CURRENT_CATALOG},
	{"CURRENT DATABASE", TR_AST_SHOW_CURRENT_DATABASE},
	{"MODELS", TR_AST_SHOW_MODELS},
	{"PROCEDURES", TR_AST_SHOW_PROCEDURES},
	{"CONNECTIONS", TR_AST_SHOW_CONNECTIONS},
	{"MATERIALIZED TABLES", TR_AST_SHOW_MATERIALIZED_TABLES},
};

/* Takes the words if all of them stand there. */
static bool accept_text(struct tr_parser *p, const char *words)
{
	const char *space = strchr(words, ' ');
	char first[24];

	if (space == NULL) {
		if (!tr_parser_is_text(p, 0, words))
			return false;
		tr_parser_skip(p);
		return true;
	}
	TR_ASSERT((size_t)(space - words) < sizeof(first));
	memcpy(first, words, (size_t)(space - words));
	first[space - words] = '\0';
	if (!tr_parser_is_text(p, 0, first) || !tr_parser_is_text(p, 1, space + 1))
		return false;
	p->at += 2;
	return true;
}

static bool parse_show_tail(struct tr_parser *p, struct tr_ast_show *out)
{
	struct tr_ast_path *path;
	bool is_create = out->kind == TR_AST_SHOW_CREATE;

	if (is_create && !accept_object(p, &out->object))
		return tr_parser_fail_expected(p, "TABLE, VIEW or CATALOG after SHOW CREATE");
	if (is_create || out->kind == TR_AST_SHOW_PARTITIONS || tr_parser_accept_word(p, TR_KW_FROM) ||
	    tr_parser_accept_word(p, TR_KW_IN)) {
		path = TR_NEW(p->arena, struct tr_ast_path);
		if (!tr_parser_path(p, "a name", path))
			return false;
		out->from = path;
	} else if (out->kind == TR_AST_SHOW_COLUMNS) {
		return tr_parser_fail_expected(p, "FROM and a table name after SHOW COLUMNS");
	}
	if (out->kind == TR_AST_SHOW_PARTITIONS && tr_parser_accept_word(p, TR_KW_PARTITION))
		return tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "after PARTITION") && tr_parser_skip_parens(p);
	out->is_not_like = tr_parser_accept_word(p, TR_KW_NOT);
	if (tr_parser_is_word(p, TR_KW_ILIKE) &&
	    (out->kind == TR_AST_SHOW_TABLES || out->kind == TR_AST_SHOW_VIEWS || out->kind == TR_AST_SHOW_COLUMNS)) {
		tr_parser_fail_expected(p, "LIKE or the end of the statement");
		tr_parser_hint(p, "Flink has ILIKE for SHOW FUNCTIONS, CATALOGS, DATABASES and PROCEDURES only");
		return false;
	}
	out->is_ilike = tr_parser_accept_word(p, TR_KW_ILIKE);
	if (out->is_ilike || tr_parser_accept_word(p, TR_KW_LIKE)) {
		out->like = tr_parser_string_new(p, "a pattern in quotes after LIKE");
		return out->like != NULL;
	}
	return !out->is_not_like || tr_parser_fail_expected(p, "LIKE after NOT");
}

bool tr_parse_show(struct tr_parser *p, struct tr_ast_show *out)
{
	for (uint32_t i = 0; i < TR_COUNT_OF(shows); i++) {
		if (accept_text(p, shows[i].words)) {
			out->kind = shows[i].kind;
			return parse_show_tail(p, out);
		}
	}
	return tr_parser_fail_expected(p, "TABLES, VIEWS, FUNCTIONS, COLUMNS, CATALOGS, DATABASES, JOBS or "
					  "CREATE TABLE after SHOW");
}

/* ---------------------------------------------------------------- USE, DESCRIBE, SET */

bool tr_parse_use(struct tr_parser *p, struct tr_ast_use *out)
{
	struct tr_list names = {0};

	out->is_modules = tr_parser_accept_word(p, TR_KW_MODULES);
	if (!out->is_modules) {
		out->is_catalog = tr_parser_accept_word(p, TR_KW_CATALOG);
		return tr_parser_path(p, out->is_catalog ? "a catalog name" : "a database name after USE", &out->name);
	}
	do {
		if (!tr_parser_name(p, "a module name", TR_LIST_ADD(p, &names, struct tr_ast_name)))
			return false;
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	out->modules = (struct tr_ast_names){names.count, names.items};
	return true;
}

bool tr_parse_describe(struct tr_parser *p, struct tr_ast_describe *out)
{
	uint8_t next = tr_parser_peek(p, 1)->kind;

	if (tr_parser_is_word(p, TR_KW_JOB) &&
	    (next == TR_TOKEN_STRING || next == TR_TOKEN_UNICODE || next == TR_TOKEN_CSTRING)) {
		tr_parser_skip(p);
		out->object = TR_AST_OBJECT_JOB;
		out->job = tr_parser_string_new(p, "a job id");
		return out->job != NULL;
	}
	if (tr_parser_is_words(p, TR_KW_TABLE, TR_KW_EXTENDED) ||
	    (tr_parser_is_word(p, TR_KW_TABLE) && tr_parser_is_name_at(p, 1))) {
		tr_parser_fail_expected(p, "a table's name");
		tr_parser_hint(p, "leave TABLE out");
		return false;
	}
	if (tr_parser_is_name_at(p, 1) || tr_parser_is_word_at(p, 1, TR_KW_EXTENDED))
		accept_object(p, &out->object);
	out->is_extended = tr_parser_accept_word(p, TR_KW_EXTENDED);
	return tr_parser_path(p, "a table name", &out->name);
}

/* A key or a value without quotes: what stands there up to white space, `=` or `;`. False without a failure: nothing. */
static bool accept_bare(struct tr_parser *p, struct tr_ast_string *out)
{
	uint32_t start = p->at;

	while (!tr_parser_is(p, TR_TOKEN_EQUAL) && !tr_parser_is(p, TR_TOKEN_SEMICOLON) &&
	       !tr_parser_is(p, TR_TOKEN_END) && !tr_parser_is(p, TR_TOKEN_BAD) && !tr_parser_is_string(p) &&
	       (p->at == start || p->tokens[p->at].start == p->tokens[p->at - 1].end))
		tr_parser_skip(p);
	if (p->at == start)
		return false;
	*out = tr_parser_text(p, tr_parser_span(p, start));
	return true;
}

bool tr_parse_set(struct tr_parser *p, bool is_reset, struct tr_ast_set *out)
{
	bool has_quotes = tr_parser_is_string(p);

	if (tr_parser_is(p, TR_TOKEN_SEMICOLON) || tr_parser_is(p, TR_TOKEN_END))
		return true;
	if (!has_quotes && !accept_bare(p, &out->option.key)) {
		tr_parser_fail_expected(p, "an option key in quotes after %s", is_reset ? "RESET" : "SET");
		tr_parser_hint(p, is_reset ? "write RESET 'pipeline.name';" : "write SET 'pipeline.name' = 'my job';");
		return false;
	}
	out->has_key = true;
	if (has_quotes && !tr_parser_string(p, "an option key", &out->option.key))
		return false;
	if (is_reset)
		return true;
	if (!tr_parser_expect(p, TR_TOKEN_EQUAL, "after the option key")) {
		tr_parser_hint(p, "write SET 'pipeline.name' = 'my job';");
		return false;
	}
	if (tr_parser_is_string(p))
		return tr_parser_string(p, "an option value", &out->option.value);
	if (!has_quotes && accept_bare(p, &out->option.value) &&
	    (tr_parser_is(p, TR_TOKEN_SEMICOLON) || tr_parser_is(p, TR_TOKEN_END)))
		return true;
	tr_parser_fail_expected(p, "an option value in quotes");
	tr_parser_hint(p, "write SET '%s' = '10'; with quotes around numbers and booleans, too", out->option.key.text);
	return false;
}

/* ---------------------------------------------------------------- known by name */

/* How statements begin that are taken as they stand: one to three words. Longer ones first. */
static const char *const others[] = {
	"ALTER MATERIALIZED TABLE",
	"ALTER TABLE",
	"ALTER VIEW",
	"ALTER DATABASE",
	"ALTER CATALOG",
	"ALTER MODEL",
	"ALTER CONNECTION",
	"ALTER TEMPORARY",
	"CREATE MATERIALIZED TABLE",
	"CREATE OR ALTER",
	"CREATE MODEL",
	"CREATE TEMPORARY MODEL",
	"CREATE CONNECTION",
	"CREATE TEMPORARY CONNECTION",
	"CREATE TEMPORARY SYSTEM CONNECTION",
	"ANALYZE TABLE",
	"TRUNCATE TABLE",
	"CALL",
	"LOAD MODULE",
	"UNLOAD MODULE",
	"ADD JAR",
	"REMOVE JAR",
	"COMPILE PLAN",
	"COMPILE AND EXECUTE",
	"EXECUTE PLAN",
	"STOP JOB",
	"UPDATE",
	"DELETE FROM",
	"MERGE INTO",
	"QUIT",
	"EXIT",
	"HELP",
	"CLEAR",
};

/* The number of words of `words` if they stand at p->at; else 0. */
static uint32_t match_words(const struct tr_parser *p, const char *words)
{
	uint32_t count = 0;

	while (*words != '\0') {
		size_t length = strcspn(words, " ");
		char word[24];

		TR_ASSERT(length < sizeof(word));
		memcpy(word, words, length);
		word[length] = '\0';
		if (!tr_parser_is_text(p, count, word))
			return 0;
		count++;
		words += length + (words[length] == ' ');
	}
	return count;
}

bool tr_parse_other(struct tr_parser *p, uint32_t start_token, struct tr_ast_other *out)
{
	for (uint32_t i = 0; i < TR_COUNT_OF(others); i++) {
		uint32_t count = match_words(p, others[i]);
		bool is_in_set = false;

		if (count == 0)
			continue;
		p->at += count;
		out->words = others[i];
		out->words_span = tr_parser_span(p, start_token);
		while ((is_in_set || !tr_parser_is(p, TR_TOKEN_SEMICOLON)) && !tr_parser_is(p, TR_TOKEN_END)) {
			if (tr_parser_is(p, TR_TOKEN_BAD))
				return tr_parser_fail_expected(p, "another token");
			if (tr_parser_is_words(p, TR_KW_SET, TR_KW_BEGIN)) /* COMPILE PLAN .. FOR STATEMENT SET */
				is_in_set = true;
			else if (tr_parser_is_word(p, TR_KW_END))
				is_in_set = false;
			tr_parser_skip(p);
		}
		out->text = tr_parser_text(p, tr_parser_span(p, start_token));
		return true;
	}
	return false;
}
