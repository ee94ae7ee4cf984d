/* SPDX-License-Identifier: Apache-2.0
 *
 * See user_function.h.
 */
#include "sql/user_function.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/type.h"
#include "sql/bind.h"
#include "sql/parse.h"
#include "sql/show.h"
#include "sql/type_name.h"

#define OVERLOADS_MAX 64
#define TYPE_TEXT_MAX 65536

/* ---- types as texts ---- */

/* "BIGINT, MAP<STRING, INT>" as the columns of a ROW: "`a0` BIGINT, `a1` MAP<STRING, INT>". */
static const char *name_types(struct tr_arena *arena, const char *types)
{
	const char *text = "", *begin = types;
	uint32_t count = 0;
	int depth = 0;

	for (const char *at = types;; at++) {
		depth += (*at == '(' || *at == '<') - (*at == ')' || *at == '>');
		if (*at != '\0' && (*at != ',' || depth > 0))
			continue;
		text = tr_arena_printf(arena, "%s%s`a%u` %.*s", text, count > 0 ? ", " : "", count, (int)(at - begin),
				       begin);
		count++;
		if (*at == '\0')
			return text;
		begin = at + 1;
	}
}

/* ROW<columns>. */
static tr_code parse_row(struct tr_arena *arena, const char *columns, const char *written, const struct tr_type **type,
			 struct tr_status *st)
{
	const char *text = tr_arena_printf(arena, "ROW<%s>", columns);
	struct tr_diags diags;
	struct tr_script_text *script;
	const struct tr_ast_type *ast;

	tr_diags_init(&diags, arena, NULL);
	script = tr_script_text_make(arena, "type", text, strlen(text), NULL, 0, &diags);
	diags.text = script;
	ast = diags.error_count == 0 ? tr_parse_type_text(script, arena, &diags) : NULL;
	*type = ast != NULL ? tr_type_name_resolve(ast, arena, &diags) : NULL;
	if (*type == NULL)
		TR_FAIL(st, TR_ERR_DATA, "'%.200s' is not right: %s%s%s", written,
			diags.count > 0 ? diags.items[0].message : "it is no list of types",
			diags.count > 0 && diags.items[0].hint != NULL ? "; " : "",
			diags.count > 0 && diags.items[0].hint != NULL ? diags.items[0].hint : "");
	return TR_OK;
}

static bool is_blank(const char *text) { return text[strspn(text, " \t\n")] == '\0'; }

static tr_code parse_types(struct tr_arena *arena, const struct tr_user_function *f, struct tr_func_overload *overload,
			   struct tr_status *st)
{
	const struct tr_type *row;

	if ((f->arguments != NULL && strlen(f->arguments) > TYPE_TEXT_MAX) || strlen(f->result) > TYPE_TEXT_MAX)
		TR_FAIL(st, TR_ERR_DATA, "its types have more than %d bytes", TYPE_TEXT_MAX);
	if (f->arguments != NULL && !is_blank(f->arguments)) {
		TR_TRY(parse_row(arena, name_types(arena, f->arguments), f->arguments, &row, st));
		overload->arg_count = row->child_count;
		overload->arg_types = row->children;
	}
	if (overload->arg_count > TR_USER_ARGUMENTS_MAX)
		TR_FAIL(st, TR_ERR_DATA, "it has %u arguments; at most %d are possible", overload->arg_count,
			TR_USER_ARGUMENTS_MAX);
	if (f->kind == TR_USER_TABLE) {
		TR_TRY(parse_row(arena, f->result, f->result, &row, st));
		overload->type = tr_type_with_nullable(
			arena, tr_type_array(arena, tr_type_with_nullable(arena, row, false)), false);
		return TR_OK;
	}
	TR_TRY(parse_row(arena, name_types(arena, f->result), f->result, &row, st));
	if (row->child_count != 1)
		TR_FAIL(st, TR_ERR_DATA, "'%.200s' is not right: a result is one type", f->result);
	overload->type = row->children[0];
	return TR_OK;
}

/* "shout(STRING) -> STRING" */
static const char *signature(struct tr_arena *arena, const char *name, const struct tr_user_function *f,
			     const struct tr_func_overload *overload)
{
	const char *text = tr_arena_printf(arena, "%s(", name);

	for (uint32_t i = 0; i < overload->arg_count; i++)
		text = tr_arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "",
				       tr_type_text(arena, overload->arg_types[i]));
	return tr_arena_printf(
		arena, "%s) -> %s", text,
		tr_type_text(arena, f->kind == TR_USER_TABLE ? overload->type->children[0] : overload->type));
}

/* ---- making ---- */

static tr_code make_overload(struct tr_session *session, const char *name, const struct tr_user_function *f,
			     struct tr_func_user *user, struct tr_func_overload *overload, struct tr_status *st)
{
	struct tr_arena *arena = &session->arena;

	TR_TRY(parse_types(arena, f, overload, st));
	if (f->kind != user->kind)
		TR_FAIL(st, TR_ERR_DATA, "its overloads are of different kinds");
	overload->takes_nulls = f->takes_nulls;
	overload->signature = signature(arena, name, f, overload);
	user->is_deterministic = user->is_deterministic && !f->is_non_deterministic;
	for (const struct tr_func_overload *other = user->overloads; other < overload; other++) {
		bool is_same = other->arg_count == overload->arg_count;

		for (uint32_t i = 0; is_same && i < overload->arg_count; i++)
			is_same = tr_type_equals(other->arg_types[i], overload->arg_types[i]);
		if (is_same)
			TR_FAIL(st, TR_ERR_DATA, "two overloads take the same: %s", overload->signature);
	}
	return session->options.functions->make(arena, name, f, overload, st);
}

static tr_code make(struct tr_session *session, const char *name, const struct tr_user_function *function,
		    const struct tr_func_user **result, struct tr_status *st)
{
	struct tr_func_user *user = TR_NEW(&session->arena, struct tr_func_user);
	struct tr_func_overload *overloads = TR_NEW_ARRAY(&session->arena, OVERLOADS_MAX, struct tr_func_overload);

	user->name = name;
	user->is_deterministic = true;
	user->overloads = overloads;
	for (const struct tr_user_function *f = function; f != NULL; f = f->overload) {
		if (user->count == OVERLOADS_MAX)
			TR_FAIL(st, TR_ERR_DATA, "it has more than %d overloads, or they run in a circle",
				OVERLOADS_MAX);
		TR_TRY(session->options.functions->check(f, st));
		user->kind = user->count == 0 ? f->kind : user->kind;
		TR_TRY(make_overload(session, name, f, user, &overloads[user->count], st));
		user->count++;
	}
	*result = user;
	return TR_OK;
}

static tr_code put(struct tr_session *session, const struct tr_catalog_function *function, struct tr_status *st)
{
	if (!tr_catalog_put_function(&session->catalog, function))
		TR_FAIL(st, TR_ERR_DATA, "there are more than %d functions", TR_CATALOG_ENTRIES_MAX);
	return TR_OK;
}

tr_code tr_user_function_declare(struct tr_session *session, const char *name, const struct tr_user_function *function,
				 struct tr_status *st)
{
	struct tr_catalog_function entry = {.name = name, .scope = TR_FUNCTION_TEMPORARY, .symbol = name};

	if (session->options.functions == NULL)
		TR_FAIL(st, TR_ERR_UNAVAILABLE, "there are no user functions here");
	if (is_blank(name))
		TR_FAIL(st, TR_ERR_DATA, "it has no name");
	for (uint32_t i = 0; i < session->catalog.function_count; i++)
		if (session->catalog.functions[i].scope == entry.scope &&
		    strcasecmp(session->catalog.functions[i].name, name) == 0)
			TR_FAIL(st, TR_ERR_DATA, "there is a function of this name already");
	TR_TRY(make(session, name, function, &entry.user, st));
	return put(session, &entry, st);
}

/* ---- CREATE ---- */

/* A path of the script's directory. */
static const char *resolve_path(struct tr_session *session, const char *path)
{
	const char *file = session->diags.text->file, *slash = strrchr(file, '/');

	if (path[0] == '/' || slash == NULL)
		return path;
	return tr_arena_printf(&session->arena, "%.*s/%s", (int)(slash - file), file, path);
}

/* The one library of a function in C; NULL: reported. */
static const char *find_library(struct tr_session *session, const struct tr_ast_statement *statement)
{
	static const char *const words[] = {"JAR", "ARTIFACT", "LIBRARY"};
	const struct tr_ast_create_function *ast = &statement->create_function;
	struct tr_diags *diags = &session->diags;
	const bool is_c = ast->language != NULL && strcasecmp(ast->language->text, "C") == 0;

	if (!is_c) {
		tr_diag_not_supported(diags, ast->language != NULL ? ast->language->span : statement->word_span,
				      "a function in %s", ast->language != NULL ? ast->language->text : "JAVA");
		tr_diag_hint(diags, "functions are written in C: AS 'symbol' LANGUAGE C USING LIBRARY 'file.so'");
		return NULL;
	}
	for (uint32_t i = 0; i < ast->resource_count; i++) {
		if (ast->resources[i].kind == TR_AST_RESOURCE_LIBRARY)
			continue;
		tr_diag_error(diags, TR_E_LIBRARY, ast->resources[i].path.span,
			      "a function in C lies in a LIBRARY, not in %s %s",
			      ast->resources[i].kind == TR_AST_RESOURCE_JAR ? "a" : "an",
			      words[ast->resources[i].kind]);
		tr_diag_hint(diags, "write USING LIBRARY 'file.so'");
		return NULL;
	}
	if (ast->resource_count == 1)
		return ast->resources[0].path.text;
	tr_diag_error(diags, TR_E_LIBRARY, ast->resource_count > 1 ? ast->resources[1].path.span : statement->word_span,
		      ast->resource_count > 1 ? "a function lies in one library" : "the library of '%s' is missing",
		      tr_catalog_name(&ast->name));
	tr_diag_hint(diags, "write USING LIBRARY 'file.so', a path from the script's directory on");
	return NULL;
}

static const char *scope_word(enum tr_function_scope scope)
{
	return scope == TR_FUNCTION_SYSTEM      ? "temporary system function"
	       : scope == TR_FUNCTION_TEMPORARY ? "temporary function"
						: "function";
}

/* Whether the function may be made; else it is reported, or left as it is. */
static bool may_create(struct tr_session *session, const struct tr_ast_create_function *ast,
		       enum tr_function_scope scope)
{
	const char *name = tr_catalog_name(&ast->name);
	const struct tr_catalog_function *old = tr_catalog_function_in(&session->catalog, &ast->name, scope);

	if (scope == TR_FUNCTION_SYSTEM && ast->name.count > 1) {
		tr_diag_error(&session->diags, TR_E_SYNTAX, ast->name.span, "a system function has no database");
	} else if (!tr_catalog_is_default(&ast->name)) {
		tr_diag_error(&session->diags, TR_E_NO_TABLE, ast->name.span,
			      "no such database; there is default_catalog.default_database");
	} else if (ast->is_alter && old == NULL) {
		if (!ast->if_exists)
			tr_diag_error(&session->diags, TR_E_NO_FUNCTION, ast->name.span, "there is no function '%s'",
				      name);
	} else if (!ast->is_alter && old != NULL) {
		if (!ast->if_not_exists)
			tr_diag_error(&session->diags, TR_E_EXISTS, ast->name.span, "there is a %s '%s' already",
				      scope_word(scope), old->name);
	} else {
		return true;
	}
	return false;
}

void tr_user_function_create(struct tr_session *session, const struct tr_ast_statement *statement)
{
	const struct tr_ast_create_function *ast = &statement->create_function;
	struct tr_catalog_function entry = {.name = tr_catalog_name(&ast->name),
					    .scope = ast->is_system      ? TR_FUNCTION_SYSTEM
						     : ast->is_temporary ? TR_FUNCTION_TEMPORARY
									 : TR_FUNCTION_CATALOG,
					    .symbol = ast->class_name.text};
	const struct tr_func_maker *maker = session->options.functions;
	const struct tr_user_function *function = NULL;
	struct tr_status st = {0};

	entry.library = find_library(session, statement);
	if (entry.library == NULL || !may_create(session, ast, entry.scope)) {
		if (entry.library == NULL && tr_catalog_function_in(&session->catalog, &ast->name, entry.scope) == NULL)
			(void)tr_catalog_put_function(&session->catalog, &entry);
		return;
	}
	if (maker == NULL) {
		tr_diag_not_supported(&session->diags, statement->word_span, "CREATE FUNCTION");
	} else if (maker->load(resolve_path(session, entry.library), entry.symbol, &function, &st) != TR_OK ||
		   make(session, entry.name, function, &entry.user, &st) != TR_OK) {
		tr_diag_error(&session->diags, TR_E_LIBRARY,
			      function == NULL ? ast->resources[0].path.span : ast->class_name.span,
			      "function '%s': %s", entry.name, st.message);
		entry.user = NULL;
	}
	if (put(session, &entry, &st) != TR_OK)
		tr_diag_error(&session->diags, TR_E_LIMIT, ast->name.span, "%s", st.message);
}

/* ---- DROP, DESCRIBE ---- */

static bool is_built_in(const char *name)
{
	return tr_func_exists(name) || tr_agg_exists(name) || strcasecmp(name, "NULLIF") == 0;
}

const struct tr_catalog_function *tr_user_function_find(const struct tr_catalog *catalog, const struct tr_ast_path *name)
{
	if (catalog->function_count == 0)
		return NULL;
	return tr_catalog_function(catalog, name, is_built_in(tr_catalog_name(name)));
}

static const char **function_names(struct tr_session *session)
{
	const char **names = TR_NEW_ARRAY(&session->arena, session->catalog.function_count + 1, const char *);

	for (uint32_t i = 0; i < session->catalog.function_count; i++)
		names[i] = session->catalog.functions[i].name;
	return names;
}

void tr_user_function_drop(struct tr_session *session, const struct tr_ast_statement *statement)
{
	const struct tr_ast_drop *ast = &statement->drop;
	const enum tr_function_scope scope = ast->is_system      ? TR_FUNCTION_SYSTEM
					     : ast->is_temporary ? TR_FUNCTION_TEMPORARY
								 : TR_FUNCTION_CATALOG;
	const struct tr_catalog_function *function = tr_catalog_function_in(&session->catalog, &ast->name, scope);

	if (function != NULL) {
		tr_catalog_drop_function(&session->catalog, function);
	} else if (!ast->if_exists) {
		tr_diag_error(&session->diags, TR_E_NO_FUNCTION, ast->name.span, "there is no %s '%s' to drop",
			      scope_word(scope), tr_catalog_name(&ast->name));
		tr_diag_hint_nearest(&session->diags, tr_catalog_name(&ast->name), function_names(session),
				     session->catalog.function_count);
	}
}

struct rows {
	const char *(*items)[2];
	uint32_t count, room;
};

static void add(struct rows *rows, const char *name, const char *value)
{
	if (rows->count == rows->room)
		return;
	rows->items[rows->count][0] = name;
	rows->items[rows->count++][1] = value;
}

static void describe_user(struct tr_session *session, const struct tr_catalog_function *function, struct rows *rows)
{
	static const char *const kinds[] = {"", "SCALAR", "TABLE", "AGGREGATE"};
	const struct tr_func_user *user = function->user;
	const char *signatures = "";

	for (uint32_t i = 0; i < user->count; i++)
		signatures = tr_arena_printf(&session->arena, "%s%s%s", signatures, i > 0 ? "; " : "",
					     user->overloads[i].signature);
	add(rows, "kind", kinds[user->kind]);
	add(rows, "requirements", "[]");
	add(rows, "is deterministic", user->is_deterministic ? "true" : "false");
	add(rows, "supports constant folding", user->is_deterministic ? "true" : "false");
	add(rows, "signature", signatures);
}

static void find_doc(void *context, const struct tr_func_doc *doc)
{
	const struct tr_func_doc **asked = context;

	if (strcasecmp(doc->name, asked[0]->name) == 0 && asked[1] == NULL)
		asked[1] = doc;
}

static void describe_built_in(const char *name, struct rows *rows)
{
	const struct tr_func_doc named = {.name = name};
	const struct tr_func_doc *asked[2] = {&named, NULL};

	tr_func_each(find_doc, asked);
	if (asked[1] == NULL)
		return;
	add(rows, "kind", asked[1]->is_aggregate ? "AGGREGATE" : "SCALAR");
	add(rows, "signature", asked[1]->signature);
}

uint32_t tr_user_function_describe(struct tr_session *session, const struct tr_ast_describe *describe,
				   const char *(*items)[2], uint32_t room)
{
	const char *name = tr_catalog_name(&describe->name);
	const struct tr_catalog_function *function = tr_user_function_find(&session->catalog, &describe->name);
	const bool is_system = function == NULL && describe->name.count == 1 && is_built_in(name);
	struct rows rows = {items, 0, room};

	if (function == NULL && !is_system) {
		tr_diag_error(&session->diags, TR_E_NO_FUNCTION, describe->name.span, "there is no function '%s'", name);
		return 0;
	}
	if (function != NULL && function->user == NULL)
		return 0;
	add(&rows, "is system function", is_system || function->scope == TR_FUNCTION_SYSTEM ? "true" : "false");
	add(&rows, "is temporary", function != NULL && function->scope != TR_FUNCTION_CATALOG ? "true" : "false");
	if (function != NULL && function->scope != TR_FUNCTION_SYSTEM) {
		add(&rows, "class name", function->symbol);
		add(&rows, "function language", "C");
		add(&rows, "resource uris",
		    function->library != NULL ? tr_arena_printf(&session->arena, "[LIBRARY '%s']", function->library)
					      : "[]");
	}
	if (describe->is_extended && function != NULL)
		describe_user(session, function, &rows);
	else if (describe->is_extended)
		describe_built_in(name, &rows);
	return rows.count;
}
