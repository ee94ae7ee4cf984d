/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding JSON functions whose calls have words of their own: JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_OBJECT, JSON_ARRAY;
 * and JSON_STRING, which leaves alone what is JSON already.
 *
 * The function table has these with one more argument in front, a text that says what the words mean (core/ops/func_json.c,
 * func_json_make.c):
 *
 *     JSON_VALUE(x, '$.a' RETURNING INT DEFAULT 0 ON EMPTY)
 *     JSON_VALUE('RETURNING INTEGER DEFAULT ON EMPTY NULL ON ERROR', x, '$.a', 0, 0)
 */
#include <string.h>
#include <strings.h>

#include "sql/bind.h"
#include "sql/type_name.h"

enum json_function { JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_FUNCTION_COUNT };

static const char *const names[JSON_FUNCTION_COUNT] = {"JSON_VALUE",  "JSON_QUERY", "JSON_EXISTS",
						       "JSON_OBJECT", "JSON_ARRAY", "JSON_STRING"};

static const struct tr_ast_json nothing_said;

static enum json_function function_of(const char *name)
{
	for (int i = 0; i < JSON_FUNCTION_COUNT; i++)
		if (strcasecmp(name, names[i]) == 0)
			return (enum json_function)i;
	return JSON_FUNCTION_COUNT;
}

bool tr_bind_is_json(const char *name) { return function_of(name) != JSON_FUNCTION_COUNT; }

static const char *behaviour_text(enum tr_ast_json_behaviour behaviour, bool is_exists)
{
	switch (behaviour) {
	case TR_AST_JSON_ERROR: return "ERROR";
	case TR_AST_JSON_DEFAULT: return "DEFAULT";
	case TR_AST_JSON_EMPTY_ARRAY: return "EMPTY ARRAY";
	case TR_AST_JSON_EMPTY_OBJECT: return "EMPTY OBJECT";
	case TR_AST_JSON_TRUE: return "TRUE";
	case TR_AST_JSON_UNKNOWN: return "UNKNOWN";
	default: return is_exists ? "FALSE" : "NULL";
	}
}

/* The type behind RETURNING: `text` receives how the function is told, `cast` what its STRING is cast to, or NULL. */
static bool bind_returning(struct tr_binder *binder, const struct tr_ast_expr *ast, enum json_function function,
			   const struct tr_ast_json *json, const char **text, const struct tr_type **cast)
{
	const struct tr_type *type;

	*text = "";
	*cast = NULL;
	if (json->returning == NULL)
		return true;
	type = tr_type_name_resolve(json->returning, binder->arena, binder->diags);
	if (type == NULL)
		return false;
	if (type->id == TR_TYPE_VARCHAR) {
		*cast = tr_type_equals_ignoring_null(type, tr_type_of(TR_TYPE_VARCHAR)) ? NULL : type;
		return true;
	}
	if (function == JSON_VALUE) {
		*text = type->id == TR_TYPE_BOOLEAN  ? "RETURNING BOOLEAN "
			: type->id == TR_TYPE_INT    ? "RETURNING INTEGER "
			: type->id == TR_TYPE_DOUBLE ? "RETURNING DOUBLE "
						     : "";
	} else if (type->id == TR_TYPE_ARRAY &&
		   tr_type_equals_ignoring_null(type->children[0], tr_type_of(TR_TYPE_VARCHAR))) {
		*text = type->children[0]->is_nullable ? "RETURNING ARRAY " : "RETURNING ARRAY NOT NULL ";
	}
	if (**text != 0)
		return true;
	tr_diag_error(binder->diags, TR_E_TYPE, ast->span, "%s can't return %s", names[function],
		      tr_type_text(binder->arena, type));
	if (function == JSON_VALUE)
		tr_diag_hint(binder->diags,
			     "RETURNING takes STRING, VARCHAR(n), BOOLEAN, INTEGER or DOUBLE; write "
			     "CAST(JSON_VALUE(...) AS %s)",
			     tr_type_text(binder->arena, type));
	else
		tr_diag_hint(binder->diags, "RETURNING takes STRING, VARCHAR(n) or ARRAY<STRING>");
	return false;
}

/* A DEFAULT as `type`; something of that type where there is none. */
static const struct tr_expr *bind_default(struct tr_binder *binder, const struct tr_expr_scope *scope,
					  const struct tr_ast_expr *ast, const struct tr_type *type)
{
	const struct tr_expr *expr;

	if (ast == NULL) {
		if (type->id == TR_TYPE_VARCHAR)
			return tr_expr_text(binder->arena, "", 0);
		return tr_expr_literal(binder->arena, tr_type_with_nullable(binder->arena, type, false),
				       (struct tr_value){0});
	}
	expr = tr_bind_expr(binder, scope, ast);
	if (expr == NULL)
		return NULL;
	if (expr->kind != TR_EXPR_LITERAL || expr->value.is_null) {
		tr_diag_error(binder->diags, TR_E_VALUE, ast->span, "the DEFAULT of JSON_VALUE must be a literal%s",
			      expr->kind == TR_EXPR_LITERAL ? "; write NULL ON .. for NULL" : "");
		return NULL;
	}
	if (type->id != TR_TYPE_VARCHAR) {
		expr = tr_bind_coerce(binder, expr, type, ast->span);
		return expr != NULL ? tr_expr_fold(binder->arena, expr) : NULL;
	}
	if (!tr_type_is_text(expr->type))
		expr = tr_bind_placed(
			binder,
			tr_expr_cast(binder->arena, expr, tr_type_with_nullable(binder->arena, type, false), false),
			ast->span);
	return expr;
}

static const struct tr_expr *bind_reading(struct tr_binder *binder, const struct tr_expr_scope *scope,
					  const struct tr_ast_expr *ast, enum json_function function)
{
	const struct tr_ast_json *json = ast->call->json != NULL ? ast->call->json : &nothing_said;
	const struct tr_expr *args[5], *result;
	const struct tr_type *cast, *type;
	const char *returning, *wrapper = "", *options;

	if (ast->args.count != 2) {
		tr_diag_error(binder->diags, TR_E_NO_FUNCTION, ast->span, "%s takes a text and a path", names[function]);
		return NULL;
	}
	args[1] = tr_bind_expr(binder, scope, ast->args.items[0]);
	args[2] = tr_bind_expr(binder, scope, ast->args.items[1]);
	if (!bind_returning(binder, ast, function, json, &returning, &cast) || args[1] == NULL || args[2] == NULL)
		return NULL;
	if (*returning != 0 &&
	    (json->on_empty == TR_AST_JSON_EMPTY_OBJECT || json->on_error == TR_AST_JSON_EMPTY_OBJECT)) {
		tr_diag_error(binder->diags, TR_E_TYPE, ast->span, "EMPTY OBJECT is no ARRAY; write EMPTY ARRAY");
		return NULL;
	}
	if (function == JSON_QUERY)
		wrapper = json->wrapper == TR_AST_JSON_UNCONDITIONAL ? "WITH UNCONDITIONAL WRAPPER "
			  : json->wrapper == TR_AST_JSON_CONDITIONAL ? "WITH CONDITIONAL WRAPPER "
								     : "";
	options =
		function == JSON_EXISTS
			? tr_arena_printf(binder->arena, "%s ON ERROR", behaviour_text(json->on_error, true))
			: tr_arena_printf(binder->arena, "%s%s%s ON EMPTY %s ON ERROR", returning, wrapper,
					  behaviour_text(json->on_empty, false), behaviour_text(json->on_error, false));
	args[0] = tr_expr_text(binder->arena, options, strlen(options));
	if (function == JSON_VALUE) {
		type = strstr(returning, "BOOLEAN") != NULL   ? tr_type_of(TR_TYPE_BOOLEAN)
		       : strstr(returning, "INTEGER") != NULL ? tr_type_of(TR_TYPE_INT)
		       : strstr(returning, "DOUBLE") != NULL  ? tr_type_of(TR_TYPE_DOUBLE)
							      : tr_type_of(TR_TYPE_VARCHAR);
		args[3] = bind_default(binder, scope, json->default_on_empty, type);
		args[4] = bind_default(binder, scope, json->default_on_error, type);
		if (args[3] == NULL || args[4] == NULL)
			return NULL;
	}
	result = tr_bind_function(binder, names[function], args, function == JSON_VALUE ? 5 : 3, ast->span);
	if (result == NULL || cast == NULL)
		return result;
	cast = tr_type_with_nullable(binder->arena, cast, true);
	return tr_bind_placed(binder, tr_expr_cast(binder->arena, result, cast, false), ast->span);
}

static bool is_call_of(const struct tr_ast_expr *ast, const char *name)
{
	return ast->kind == TR_AST_EXPR_CALL && strcasecmp(tr_catalog_name(&ast->call->name), name) == 0;
}

/* A value of JSON_OBJECT or JSON_ARRAY; JSON(x) may stand nowhere else. */
static const struct tr_expr *bind_value(struct tr_binder *binder, const struct tr_expr_scope *scope,
					const struct tr_ast_expr *ast, bool *is_json)
{
	const struct tr_expr *text;

	*is_json = is_call_of(ast, "JSON_OBJECT") || is_call_of(ast, "JSON_ARRAY");
	if (!is_call_of(ast, "JSON") || ast->args.count != 1)
		return tr_bind_expr(binder, scope, ast);
	*is_json = true;
	text = tr_bind_expr(binder, scope, ast->args.items[0]);
	return text != NULL ? tr_bind_function(binder, "JSON", &text, 1, ast->span) : NULL;
}

/* A key of JSON_OBJECT. */
static const struct tr_expr *bind_key(struct tr_binder *binder, const struct tr_expr_scope *scope,
				      const struct tr_ast_expr *ast)
{
	const struct tr_expr *key = tr_bind_expr(binder, scope, ast);

	if (key == NULL || (key->kind == TR_EXPR_LITERAL && tr_type_is_text(key->type)))
		return key;
	tr_diag_error(binder->diags, TR_E_VALUE, ast->span, "a key of JSON_OBJECT must be a literal text, as 'name'");
	return NULL;
}

static const struct tr_expr *bind_making(struct tr_binder *binder, const struct tr_expr_scope *scope,
					 const struct tr_ast_expr *ast, enum json_function function)
{
	const enum tr_ast_json_null on_null =
		ast->call->json != NULL ? ast->call->json->on_null : TR_AST_JSON_ON_NULL_UNSAID;
	const bool is_absent = on_null == TR_AST_JSON_ABSENT_ON_NULL ||
			       (on_null != TR_AST_JSON_NULL_ON_NULL && function == JSON_ARRAY);
	const uint32_t count = ast->args.count;
	const struct tr_expr **args = TR_NEW_ARRAY(binder->arena, count + 1, const struct tr_expr *);
	const char *options = is_absent ? "ABSENT ON NULL; " : "NULL ON NULL; ";
	bool is_good = true;

	for (uint32_t i = 0; i < count; i++) {
		bool is_json = false;

		if (function == JSON_OBJECT && i % 2 == 0) {
			args[i + 1] = bind_key(binder, scope, ast->args.items[i]);
		} else {
			args[i + 1] = bind_value(binder, scope, ast->args.items[i], &is_json);
			options = tr_arena_printf(binder->arena, "%s%c", options, is_json ? 'j' : 'v');
		}
		is_good = is_good && args[i + 1] != NULL;
	}
	args[0] = tr_expr_text(binder->arena, options, strlen(options));
	return is_good ? tr_bind_function(binder, names[function], args, count + 1, ast->span) : NULL;
}

const struct tr_expr *tr_bind_json_text(struct tr_binder *binder, const struct tr_expr_scope *scope,
					const struct tr_ast_expr *ast)
{
	bool is_json = false;
	const struct tr_expr *value = bind_value(binder, scope, ast, &is_json);

	if (value == NULL || is_json)
		return value;
	return tr_bind_function(binder, names[JSON_STRING], &value, 1, ast->span);
}

static const struct tr_expr *bind_string(struct tr_binder *binder, const struct tr_expr_scope *scope,
					 const struct tr_ast_expr *ast)
{
	if (ast->args.count == 1)
		return tr_bind_json_text(binder, scope, ast->args.items[0]);
	return tr_bind_function(binder, names[JSON_STRING], NULL, 0, ast->span);
}

const struct tr_expr *tr_bind_json(struct tr_binder *binder, const struct tr_expr_scope *scope,
				   const struct tr_ast_expr *ast)
{
	const enum json_function function = function_of(tr_catalog_name(&ast->call->name));

	if (function == JSON_STRING)
		return bind_string(binder, scope, ast);
	return function >= JSON_OBJECT ? bind_making(binder, scope, ast, function)
				       : bind_reading(binder, scope, ast, function);
}
