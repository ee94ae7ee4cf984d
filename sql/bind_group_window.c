/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding the windows of GROUP BY, which Flink had before window table functions. See bind.h.
 *
 *     SELECT TUMBLE_START(ts, size), k, COUNT(*) FROM t GROUP BY TUMBLE(ts, size), k
 *     HOP(ts, slide, size)     SESSION(ts, gap)     .._START, .._END, .._ROWTIME, .._PROCTIME
 *
 * The window is put on the input as if a table function had been there, without names for its three columns: the functions
 * stand for them, and must be called with the arguments of the window. Start and end are plain timestamps, so windows of this
 * kind don't stay attached to the rows; the row time is a time attribute.
 */
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "sql/bind.h"

/* A window's function, with the names of its lengths. */
struct group_window {
	const char *name;
	enum tr_window_kind kind;
	const char *lengths[2]; /* behind the time column */
};

static const struct group_window windows[] = {
	{"TUMBLE", TR_WINDOW_TUMBLE, {"size"}},
	{"HOP", TR_WINDOW_HOP, {"slide", "size"}},
	{"SESSION", TR_WINDOW_SESSION, {"gap"}},
};

enum property { PROPERTY_WINDOW, PROPERTY_START, PROPERTY_END, PROPERTY_ROWTIME, PROPERTY_PROCTIME };

static const char *const suffixes[] = {"", "_START", "_END", "_ROWTIME", "_PROCTIME"};

/* The window that a call names, and which of its functions it is; NULL: none. */
static const struct group_window *find(const struct tr_ast_expr *ast, enum property *property)
{
	const char *name;

	if (ast->kind != TR_AST_EXPR_CALL || ast->call->name.count != 1 || ast->call->over != NULL)
		return NULL;
	name = tr_catalog_name(&ast->call->name);
	for (size_t i = 0; i < TR_COUNT_OF(windows); i++) {
		const size_t length = strlen(windows[i].name);

		if (strncasecmp(name, windows[i].name, length) != 0)
			continue;
		for (size_t s = 0; s < TR_COUNT_OF(suffixes); s++) {
			if (strcasecmp(name + length, suffixes[s]) != 0)
				continue;
			*property = (enum property)s;
			return &windows[i];
		}
	}
	return NULL;
}

bool tr_bind_is_group_window(const struct tr_ast_expr *ast)
{
	enum property property;

	return find(ast, &property) != NULL && property == PROPERTY_WINDOW;
}

bool tr_bind_is_window_property(const struct tr_ast_expr *ast)
{
	enum property property;

	return find(ast, &property) != NULL && property != PROPERTY_WINDOW;
}

/* The window that a call's arguments describe. False: reported. */
static bool bind_window(struct tr_binder *binder, const struct tr_relation *input, const struct group_window *function,
			const struct tr_ast_expr *ast, struct tr_window_spec *window)
{
	const char *name = tr_catalog_name(&ast->call->name);
	struct tr_expr_scope scope = {.relation = input, .clause = name};
	const uint32_t lengths = function->kind == TR_WINDOW_HOP ? 2 : 1;
	const struct tr_expr *time;
	int64_t values[2] = {0};

	*window = (struct tr_window_spec){.kind = function->kind, .time_zone = binder->time_zone};
	if (ast->args.count == lengths + 2) {
		tr_diag_error(binder->diags, TR_E_WINDOW, ast->args.items[lengths + 1]->span,
			      "%s in GROUP BY takes no offset", function->name);
		tr_diag_hint(binder->diags, "%s in FROM does", function->name);
		return false;
	}
	if (ast->args.count != lengths + 1 || ast->call->argument_names != NULL) {
		tr_diag_error(binder->diags, TR_E_WINDOW, ast->span,
			      lengths == 2 ? "%s takes a time column, a slide and a size"
					   : "%s takes a time column and an interval",
			      name);
		return false;
	}
	time = tr_bind_expr(binder, &scope, ast->args.items[0]);
	if (time == NULL || !tr_bind_window_time(binder, input, time,
						 time->kind == TR_EXPR_COLUMN ? input->node->output->names[time->column]
									      : tr_catalog_name(&ast->call->name),
						 ast->args.items[0]->span, window))
		return false;
	for (uint32_t i = 0; i < lengths; i++) {
		if (!tr_bind_window_length(binder, ast->args.items[i + 1], function->lengths[i], false, &values[i]))
			return false;
	}
	window->size_ms = values[lengths - 1];
	window->step_ms = lengths == 2 ? values[0] : 0;
	window->is_local_time = window->is_local_time || window->is_processing_time;
	return true;
}

const struct tr_relation *tr_bind_group_window(struct tr_binder *binder, const struct tr_ast_select *select,
					       const struct tr_relation *input)
{
	const struct group_window *function = NULL;
	const struct tr_ast_expr *call = NULL;
	struct tr_relation *result;

	for (uint32_t i = 0; i < select->group_count; i++) {
		const struct tr_ast_group *group = select->groups[i];
		enum property property;

		if (group->kind != TR_AST_GROUP_EXPR || !tr_bind_is_group_window(group->exprs.items[0]))
			continue;
		if (call != NULL) {
			tr_diag_error(binder->diags, TR_E_WINDOW, group->span, "a second window in GROUP BY");
			return NULL;
		}
		call = group->exprs.items[0];
		function = find(call, &property);
	}
	if (call == NULL || input->has_group_window)
		return input;
	if (input->has_window)
		input = tr_bind_window_table(binder, input, select->group_span);
	if (input == NULL)
		return NULL;
	result = TR_NEW(binder->arena, struct tr_relation);
	*result = *input;
	result->has_window = true;
	result->has_group_window = true;
	return bind_window(binder, input, function, call, &result->window) ? result : NULL;
}

static bool is_same_window(const struct tr_window_spec *a, const struct tr_window_spec *b)
{
	return a->kind == b->kind && a->size_ms == b->size_ms && a->step_ms == b->step_ms &&
	       a->time_column == b->time_column && a->is_processing_time == b->is_processing_time;
}

const struct tr_expr *tr_bind_window_property(struct tr_binder *binder, const struct tr_aggregation *aggregation,
					      const struct tr_ast_expr *ast)
{
	const struct tr_relation *input = aggregation->input;
	const uint32_t first = tr_bind_key_columns(aggregation) + aggregation->agg_count;
	enum property property;
	const struct group_window *function = find(ast, &property);
	const struct tr_type *type;
	struct tr_window_spec window;

	if (!bind_window(binder, input, function, ast, &window))
		return NULL;
	if (!is_same_window(&window, &input->window)) {
		tr_diag_error(binder->diags, TR_E_GROUPING, ast->span,
			      "%s(..) needs the same %s(..) in GROUP BY, with the same arguments",
			      tr_catalog_name(&ast->call->name), function->name);
		return NULL;
	}
	if (property == PROPERTY_ROWTIME && window.is_processing_time) {
		tr_diag_error(binder->diags, TR_E_TIME, ast->span, "a window in processing time has no row time");
		tr_diag_hint(binder->diags, "%s_PROCTIME", function->name);
		return NULL;
	}
	if (property == PROPERTY_PROCTIME && !window.is_processing_time) {
		type = tr_type_with_precision(binder->arena, TR_TYPE_TIMESTAMP_LTZ, 3);
		return tr_expr_null(binder->arena, type); /* as in Flink */
	}
	type = tr_bind_window_column_type(binder, &input->window, TR_MIN(property, PROPERTY_ROWTIME) - PROPERTY_START);
	if (property == PROPERTY_ROWTIME)
		type = tr_type_with_nullable(binder->arena, type, true);
	return tr_expr_column(binder->arena, first + TR_MIN(property, PROPERTY_ROWTIME) - PROPERTY_START, type);
}
