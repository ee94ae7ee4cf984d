/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding window table functions: TUMBLE, HOP, CUMULATE, SESSION. See bind.h.
 *
 *     TUMBLE(TABLE t, DESCRIPTOR(ts), size [, offset])
 *     HOP(TABLE t, DESCRIPTOR(ts), slide, size [, offset])
 *     CUMULATE(TABLE t, DESCRIPTOR(ts), step, size [, offset])
 *     SESSION(TABLE t [PARTITION BY k, ...], DESCRIPTOR(ts), gap)
 *
 * Positional or named arguments (DATA, TIMECOL, SIZE, SLIDE, STEP, GAP, OFFSET), in any order when named. The result is
 * the input's columns and window_start, window_end, window_time; they exist in name only (bind.h) until
 * tr_bind_window_table computes them.
 */
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "sql/bind.h"
#include "sql/interval.h"

enum argument { ARG_DATA, ARG_TIMECOL, ARG_SIZE, ARG_STEP, ARG_OFFSET, ARG_COUNT };

/* A window function's arguments, in positional order. */
struct window_function {
	const char *name;
	enum tr_window_kind kind;
	uint32_t required;
	struct {
		enum argument argument;
		const char *name;
	} parameters[5];
};

static const struct window_function functions[] = {
	{"TUMBLE",
	 TR_WINDOW_TUMBLE,
	 3,
	 {{ARG_DATA, "DATA"}, {ARG_TIMECOL, "TIMECOL"}, {ARG_SIZE, "SIZE"}, {ARG_OFFSET, "OFFSET"}}},
	{"HOP",
	 TR_WINDOW_HOP,
	 4,
	 {{ARG_DATA, "DATA"}, {ARG_TIMECOL, "TIMECOL"}, {ARG_STEP, "SLIDE"}, {ARG_SIZE, "SIZE"}, {ARG_OFFSET, "OFFSET"}}},
	{"CUMULATE",
	 TR_WINDOW_CUMULATE,
	 4,
	 {{ARG_DATA, "DATA"}, {ARG_TIMECOL, "TIMECOL"}, {ARG_STEP, "STEP"}, {ARG_SIZE, "SIZE"}, {ARG_OFFSET, "OFFSET"}}},
	{"SESSION", TR_WINDOW_SESSION, 3, {{ARG_DATA, "DATA"}, {ARG_TIMECOL, "TIMECOL"}, {ARG_SIZE, "GAP"}}},
};

const char *const tr_window_function_names[] = {"TUMBLE", "HOP", "CUMULATE", "SESSION"};
const uint32_t tr_window_function_count = TR_COUNT_OF(tr_window_function_names);

static const struct window_function *find_function(const struct tr_ast_expr *call)
{
	const char *name = tr_catalog_name(&call->call->name);

	for (size_t i = 0; i < TR_COUNT_OF(functions); i++) {
		if (call->call->name.count == 1 && strcasecmp(functions[i].name, name) == 0)
			return &functions[i];
	}
	return NULL;
}

bool tr_bind_is_window_function(const struct tr_ast_expr *call) { return find_function(call) != NULL; }

/* Sorts the arguments into their slots. */
static bool sort_arguments(struct tr_binder *binder, const struct window_function *function,
			   const struct tr_ast_expr *call, const struct tr_ast_expr **slots)
{
	for (uint32_t i = 0; i < call->args.count; i++) {
		const struct tr_ast_expr *arg = call->args.items[i];
		const struct tr_ast_name *name =
			call->call->argument_names != NULL ? call->call->argument_names[i] : NULL;
		uint32_t at = i;

		if (name != NULL) {
			for (at = 0; at < 5 && function->parameters[at].name != NULL; at++) {
				if (strcasecmp(function->parameters[at].name, name->text) == 0)
					break;
			}
		}
		if (at >= 5 || function->parameters[at].name == NULL) {
			tr_diag_error(binder->diags, TR_E_WINDOW, name != NULL ? name->span : arg->span,
				      name != NULL ? "%s has no argument '%s'" : "%s has too many arguments",
				      function->name, name != NULL ? name->text : "");
			return false;
		}
		slots[function->parameters[at].argument] = arg;
	}
	for (uint32_t i = 0; i < function->required; i++) {
		if (slots[function->parameters[i].argument] == NULL) {
			tr_diag_error(binder->diags, TR_E_WINDOW, call->span, "%s needs its argument %s",
				      function->name, function->parameters[i].name);
			tr_diag_hint(binder->diags, "%s(TABLE t, DESCRIPTOR(time_column), ...)", function->name);
			return false;
		}
	}
	return true;
}

bool tr_bind_window_length(struct tr_binder *binder, const struct tr_ast_expr *arg, const char *what, bool is_offset,
			   int64_t *out)
{
	struct tr_expr_scope scope = {.clause = "a window"};
	const struct tr_expr *expr = tr_bind_expr(binder, &scope, arg);

	if (expr == NULL)
		return false;
	expr = tr_expr_fold(binder->arena, expr);
	if (expr->kind != TR_EXPR_LITERAL || expr->type->id != TR_TYPE_INTERVAL_MS || expr->value.is_null) {
		tr_diag_error(binder->diags, TR_E_WINDOW, arg->span,
			      "the %s of a window must be a constant interval of "
			      "days to seconds",
			      what);
		tr_diag_hint(binder->diags, "INTERVAL '10' SECOND");
		return false;
	}
	if (!is_offset && expr->value.i64 <= 0) {
		tr_diag_error(binder->diags, TR_E_WINDOW, arg->span, "the %s of a window must be greater than 0", what);
		return false;
	}
	*out = expr->value.i64;
	return true;
}

bool tr_bind_window_time(struct tr_binder *binder, const struct tr_relation *input, const struct tr_expr *expr,
			 const char *name, struct tr_span span, struct tr_window_spec *window)
{
	enum tr_column_role role = tr_bind_role(input, expr);

	window->is_processing_time = role == TR_ROLE_PROCTIME;
	window->is_local_time = expr->type->id == TR_TYPE_TIMESTAMP_LTZ;
	window->time_column = role == TR_ROLE_PROCTIME ? -1 : (int32_t)expr->column;
	if (role == TR_ROLE_ROWTIME || role == TR_ROLE_PROCTIME || role == TR_ROLE_ATTACHED_TIME)
		return true;
	tr_diag_error(binder->diags, TR_E_TIME, span, "'%s' is %s, but not a time attribute", name,
		      tr_type_text(binder->arena, expr->type));
	tr_diag_hint(binder->diags, "declare WATERMARK FOR it in CREATE TABLE, or use a column AS PROCTIME(); an "
				    "expression of a time attribute is none");
	return false;
}

/* DESCRIPTOR(ts): must name a time attribute. */
static bool bind_time_column(struct tr_binder *binder, const struct tr_relation *input, const struct tr_ast_expr *arg,
			     struct tr_window_spec *window)
{
	struct tr_expr_scope scope = {.relation = input, .clause = "DESCRIPTOR"};
	struct tr_ast_expr column = {.kind = TR_AST_EXPR_COLUMN, .span = arg->span};
	const struct tr_expr *expr;

	if (arg->kind != TR_AST_EXPR_DESCRIPTOR || arg->descriptor.count != 1) {
		tr_diag_error(binder->diags, TR_E_WINDOW, arg->span, "expected DESCRIPTOR(time_column)");
		return false;
	}
	column.path = (struct tr_ast_path){
		.span = arg->descriptor.items[0].span, .count = 1, .names = &arg->descriptor.items[0]};
	column.span = column.path.span;
	expr = tr_bind_expr(binder, &scope, &column);
	return expr != NULL &&
	       tr_bind_window_time(binder, input, expr, arg->descriptor.items[0].text, column.span, window);
}

static bool bind_partitions(struct tr_binder *binder, struct tr_relation *relation, const struct tr_ast_expr *data,
			    const struct window_function *function)
{
	struct tr_expr_scope scope = {.relation = relation, .clause = "PARTITION BY"};
	static const struct tr_ast_exprs no_keys;
	bool is_table = data->kind == TR_AST_EXPR_TABLE_ARG;
	const struct tr_ast_exprs *keys = is_table ? &data->table_arg.partition_by : &no_keys;
	uint32_t *partitions = TR_NEW_ARRAY(binder->arena, keys->count + 1, uint32_t);

	if (is_table && data->table_arg.has_partition_by && function->kind != TR_WINDOW_SESSION) {
		tr_diag_error(binder->diags, TR_E_WINDOW, data->span, "%s takes no PARTITION BY; only SESSION does",
			      function->name);
		return false;
	}
	for (uint32_t i = 0; i < keys->count; i++) {
		const struct tr_expr *key = tr_bind_expr(binder, &scope, keys->items[i]);

		if (key == NULL)
			return false;
		if (key->kind != TR_EXPR_COLUMN) {
			tr_diag_error(binder->diags, TR_E_WINDOW, keys->items[i]->span, "PARTITION BY takes columns");
			return false;
		}
		partitions[i] = key->column;
	}
	relation->partition_count = keys->count;
	relation->partitions = partitions;
	return true;
}

bool tr_bind_window_check(struct tr_binder *binder, const struct tr_window_spec *window, struct tr_span span)
{
	int64_t multiple = window->step_ms != 0 ? window->size_ms % window->step_ms : 0;

	if (multiple != 0) {
		tr_diag_error(binder->diags, TR_E_WINDOW, span,
			      "the size (%lld ms) must be a multiple of the %s (%lld ms)", (long long)window->size_ms,
			      window->kind == TR_WINDOW_HOP ? "slide" : "step", (long long)window->step_ms);
		return false;
	}
	return true;
}

const char *const tr_window_column_names[3] = {"window_start", "window_end", "window_time"};

const struct tr_type *tr_bind_window_column_type(struct tr_binder *binder, const struct tr_window_spec *window,
						 uint32_t which)
{
	enum tr_type_id id = which == 2 && window->is_local_time ? TR_TYPE_TIMESTAMP_LTZ : TR_TYPE_TIMESTAMP;

	return tr_type_with_nullable(binder->arena, tr_type_with_precision(binder->arena, id, 3), false);
}

/* Adds window_start, window_end and window_time, numbered after the node's columns. */
static void add_window_columns(struct tr_binder *binder, struct tr_relation *relation, const struct tr_relation *input)
{
	relation->column_count = input->column_count + 3;
	relation->columns = TR_NEW_ARRAY(binder->arena, relation->column_count, struct tr_bound_column);
	memcpy(relation->columns, input->columns, input->column_count * sizeof(relation->columns[0]));
	for (uint32_t i = 0; i < 3; i++)
		relation->columns[input->column_count + i] =
			(struct tr_bound_column){.name = tr_window_column_names[i],
						 .type = tr_bind_window_column_type(binder, &relation->window, i),
						 .role = (enum tr_column_role)(TR_ROLE_WINDOW_START + i),
						 .index = input->node->output->column_count + i};
}

const struct tr_relation *tr_bind_window_table(struct tr_binder *binder, const struct tr_relation *relation,
					       struct tr_span span)
{
	const struct tr_window_spec *window = &relation->window;
	const struct tr_schema *below = relation->node->output;
	uint32_t base = below->column_count;
	const char **names = TR_NEW_ARRAY(binder->arena, base + 3, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(binder->arena, base + 3, const struct tr_type *);
	struct tr_schema *schema = TR_NEW(binder->arena, struct tr_schema);
	struct tr_relation *result;
	const struct tr_node *made;

	TR_ASSERT(relation->has_window);
	if (relation->before_where != NULL) {
		const struct tr_relation *all = tr_bind_window_table(binder, relation->before_where, span);

		return all != NULL ? tr_bind_filter(binder, all, relation->where) : NULL;
	}
	if (window->kind == TR_WINDOW_SESSION && (window->is_processing_time || binder->is_batch)) {
		tr_diag_not_supported(
			binder->diags, span,
			"SESSION windows %s whose columns are read before GROUP BY window_start, window_end",
			window->is_processing_time ? "in processing time" : "in batch mode");
		tr_diag_hint(binder->diags, "HAVING, or WHERE around the aggregating query, can read them");
		return NULL;
	}
	for (uint32_t i = 0; i < base + 3; i++) {
		names[i] = i < base ? below->names[i] : tr_window_column_names[i - base];
		types[i] = i < base ? below->types[i] : tr_bind_window_column_type(binder, window, i - base);
	}
	*schema = (struct tr_schema){.column_count = base + 3, .names = names, .types = types};
	if (window->kind == TR_WINDOW_SESSION) {
		made = tr_bind_session_rows(binder, relation, schema, span);
		if (made == NULL)
			return NULL;
	} else {
		struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_WINDOW_TABLE, &relation->node, 1);

		node->window.window = *window;
		node->output = schema;
		made = node;
	}
	result = tr_bind_relation_new(binder, made, relation->column_count);
	result->is_bounded = relation->is_bounded;
	result->has_local_windows = window->is_local_time;
	for (uint32_t i = 0; i < relation->column_count; i++) {
		struct tr_bound_column *column = &result->columns[i];

		*column = relation->columns[i];
		if (window->is_processing_time && column->role >= TR_ROLE_WINDOW_START)
			column->role = column->role == TR_ROLE_WINDOW_TIME ? TR_ROLE_PROCTIME : TR_ROLE_NONE;
		else if (column->role >= TR_ROLE_WINDOW_START)
			column->role =
				(enum tr_column_role)(TR_ROLE_ATTACHED_START + column->role - TR_ROLE_WINDOW_START);
		else if (column->role == TR_ROLE_ROWTIME || column->role == TR_ROLE_ATTACHED_TIME)
			column->role = TR_ROLE_FORMER_TIME; /* the time attribute is window_time now */
		else if (column->role != TR_ROLE_PROCTIME && column->role != TR_ROLE_FORMER_TIME)
			column->role = TR_ROLE_NONE;
	}
	return result;
}

/* TABLE t, TABLE (query) or a query. */
static const struct tr_relation *bind_data(struct tr_binder *binder, const struct tr_ast_expr *data,
					   const struct tr_cte_scope *ctes)
{
	const struct tr_relation *input;

	if (data->kind == TR_AST_EXPR_SUBQUERY)
		input = tr_bind_query(binder, data->query, ctes);
	else if (data->table_arg.query != NULL)
		input = tr_bind_query(binder, data->table_arg.query, ctes);
	else
		input = tr_bind_named_table(binder, data->table_arg.table, NULL, ctes);
	return input != NULL && input->has_window ? tr_bind_window_table(binder, input, data->span) : input;
}

const struct tr_relation *tr_bind_window_function(struct tr_binder *binder, const struct tr_ast_table_ref *ref,
						  const struct tr_cte_scope *ctes)
{
	const struct tr_ast_expr *call = ref->function.call;
	const struct window_function *function = find_function(call);
	const struct tr_ast_expr *slots[ARG_COUNT] = {NULL};
	const struct tr_relation *input;
	struct tr_relation *result;
	const struct tr_ast_expr *data;

	if (!sort_arguments(binder, function, call, slots))
		return NULL;
	data = slots[ARG_DATA];
	if (data->kind != TR_AST_EXPR_TABLE_ARG && data->kind != TR_AST_EXPR_SUBQUERY) {
		tr_diag_error(binder->diags, TR_E_WINDOW, data->span, "expected TABLE and a table's name");
		tr_diag_hint(binder->diags, "%s(TABLE t, DESCRIPTOR(time_column), ...)", function->name);
		return NULL;
	}
	input = bind_data(binder, data, ctes);
	if (input == NULL)
		return NULL;
	result = TR_NEW(binder->arena, struct tr_relation);
	*result = *input;
	result->has_window = true;
	result->window = (struct tr_window_spec){.kind = function->kind, .time_zone = binder->time_zone};
	if (!bind_time_column(binder, input, slots[ARG_TIMECOL], &result->window) ||
	    !tr_bind_window_length(binder, slots[ARG_SIZE], function->kind == TR_WINDOW_SESSION ? "gap" : "size", false,
				   &result->window.size_ms) ||
	    (slots[ARG_STEP] != NULL &&
	     !tr_bind_window_length(binder, slots[ARG_STEP], function->kind == TR_WINDOW_HOP ? "slide" : "step", false,
				    &result->window.step_ms)) ||
	    (slots[ARG_OFFSET] != NULL &&
	     !tr_bind_window_length(binder, slots[ARG_OFFSET], "offset", true, &result->window.offset_ms)) ||
	    (function->kind != TR_WINDOW_HOP && !tr_bind_window_check(binder, &result->window, call->span)) ||
	    !bind_partitions(binder, result, data, function))
		return NULL;
	if (result->window.is_processing_time)
		result->window.is_local_time = true;
	add_window_columns(binder, result, input);
	return result;
}

const struct tr_relation *tr_bind_window_columns(struct tr_binder *binder, const struct tr_relation *relation,
						 struct tr_span span)
{
	const struct tr_expr **exprs;
	const char **names;

	if (!relation->has_window)
		return relation;
	relation = tr_bind_window_table(binder, relation, span);
	if (relation == NULL)
		return NULL;
	exprs = TR_NEW_ARRAY(binder->arena, relation->column_count + 1, const struct tr_expr *);
	names = TR_NEW_ARRAY(binder->arena, relation->column_count + 1, const char *);
	for (uint32_t i = 0; i < relation->column_count; i++) {
		exprs[i] = tr_expr_column(binder->arena, relation->columns[i].index, relation->columns[i].type);
		names[i] = relation->columns[i].name;
	}
	return tr_bind_project(binder, relation, relation->column_count, exprs, names);
}
