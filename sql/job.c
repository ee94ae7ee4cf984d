/* SPDX-License-Identifier: Apache-2.0
 *
 * See job.h. A sink's columns are matched with the query's by position, or by the column list of INSERT; what is not
 * listed becomes NULL; what has another type is cast if Flink casts it unasked.
 */
#include "sql/job.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "io/connector.h"
#include "sql/optimize.h"
#include "sql/reuse.h"
#include "sql/unparse.h"

#define HINT_COLUMNS_MAX 12 /* of a table that a hint lists */

struct job {
	struct tr_session *session;
	struct tr_binder *binder;
	const struct tr_node *sinks[TR_PLAN_INPUTS_MAX];
	uint32_t sink_count;
	bool is_bounded;
	bool is_select;
};

/* The physical column of this name, reported if there is none: -1. */
static int32_t find_column(struct job *job, const struct tr_table *table, const struct tr_ast_name *name)
{
	const struct tr_schema *physical = table->physical;

	for (uint32_t i = 0; i < physical->column_count; i++) {
		if (strcmp(physical->names[i], name->text) == 0)
			return (int32_t)i;
	}
	tr_diag_error(job->binder->diags, TR_E_NO_COLUMN, name->span, "table '%s' has no physical column '%s'",
		      table->name, name->text);
	tr_diag_hint_nearest(job->binder->diags, name->text, physical->names, physical->column_count);
	return -1;
}

/* The values of PARTITION (p = 'v') by physical column. False: reported. */
static bool bind_partition(struct job *job, const struct tr_ast_insert *ast, const struct tr_table *table,
			   const struct tr_expr **values)
{
	struct tr_binder *binder = job->binder;
	struct tr_expr_scope scope = {.clause = "PARTITION"};

	for (uint32_t i = 0; i < ast->partition_count; i++) {
		const struct tr_ast_partition_value *part = &ast->partitions[i];
		int32_t column = find_column(job, table, &part->column);
		const struct tr_expr *value;
		bool is_key = false;

		if (column < 0)
			return false;
		for (uint32_t k = 0; k < table->partition_count; k++)
			is_key = is_key || table->partitions[k] == (uint32_t)column;
		if (!is_key || part->value == NULL || values[column] != NULL) {
			tr_diag_error(binder->diags, TR_E_SINK, part->column.span,
				      !is_key               ? "'%s' is not in PARTITIONED BY of the table"
				      : part->value == NULL ? "'%s' needs a value: PARTITION (.. = 'value')"
							    : "'%s' has a value already",
				      part->column.text);
			return false;
		}
		value = tr_bind_expr(binder, &scope, part->value);
		if (value != NULL)
			value = tr_bind_placed(
				binder,
				tr_expr_cast(binder->arena, value,
					     tr_type_with_nullable(binder->arena, table->physical->types[column],
								   value->type->is_nullable),
					     false),
				part->value->span);
		if (value == NULL)
			return false;
		values[column] = tr_expr_fold(binder->arena, value);
	}
	return true;
}

/* "a INT, b STRING, .." of what a query has to bring. */
static const char *columns_text(struct job *job, const struct tr_table *table, const struct tr_expr *const *values)
{
	struct tr_arena *arena = job->binder->arena;
	const char *text = "";
	uint32_t shown = 0;

	for (uint32_t i = 0; i < table->physical->column_count; i++) {
		if (values[i] != NULL)
			continue;
		if (shown++ == HINT_COLUMNS_MAX)
			return tr_arena_printf(arena, "%s, ..; DESCRIBE %s lists them", text, table->name);
		text = tr_arena_printf(arena, "%s%s%s %s", text, shown > 1 ? ", " : "", table->physical->names[i],
				       tr_type_text(arena, table->physical->types[i]));
	}
	return text;
}

/* The number of the query's column that goes to each physical column of the sink; -1: none, NULL or the value of PARTITION.
 * False: reported. */
static bool match_columns(struct job *job, const struct tr_ast_insert *ast, const struct tr_table *table,
			  const struct tr_expr *const *values, uint32_t query_columns, int32_t *source)
{
	struct tr_diags *diags = job->binder->diags;
	uint32_t wanted = 0;

	for (uint32_t i = 0; i < table->physical->column_count; i++)
		source[i] = ast->columns.count > 0 || values[i] != NULL ? -1 : (int32_t)wanted++;
	for (uint32_t i = 0; i < ast->columns.count; i++) {
		const struct tr_ast_name *name = &ast->columns.items[i];
		int32_t column = find_column(job, table, name);

		if (column < 0)
			return false;
		if (source[column] >= 0 || values[column] != NULL) {
			tr_diag_error(diags, TR_E_SINK, name->span, "column '%s' is listed twice", name->text);
			return false;
		}
		source[column] = (int32_t)wanted++;
	}
	if (query_columns == wanted)
		return true;
	tr_diag_error(diags, TR_E_SINK, ast->table.span, "the query has %u column%s, %s '%s' takes %u", query_columns,
		      query_columns == 1 ? "" : "s", ast->columns.count > 0 ? "the column list of" : "table",
		      table->name, wanted);
	if (ast->columns.count == 0)
		tr_diag_hint(diags, "its columns are %s", columns_text(job, table, values));
	return false;
}

/* Whether INSERT casts unasked. Flink is more generous here than inside of expressions: lengths and precisions do not
 * matter, what is too long is cut, what is too large is for the cast to judge. */
static bool sink_accepts(const struct tr_type *from, const struct tr_type *to)
{
	if (tr_type_coerces(from, to))
		return true;
	switch (to->id) {
	case TR_TYPE_DECIMAL: return tr_type_is_numeric(from);
	case TR_TYPE_VARCHAR: return tr_type_is_text(from);
	case TR_TYPE_CHAR: return from->id == TR_TYPE_CHAR;
	case TR_TYPE_VARBINARY: return tr_type_is_bytes(from);
	case TR_TYPE_BINARY: return from->id == TR_TYPE_BINARY;
	case TR_TYPE_FLOAT: return from->id == TR_TYPE_DECIMAL;
	case TR_TYPE_DATE: return from->id == TR_TYPE_TIMESTAMP;
	case TR_TYPE_TIME: return from->id == TR_TYPE_TIME || from->id == TR_TYPE_TIMESTAMP;
	case TR_TYPE_TIMESTAMP:
	case TR_TYPE_TIMESTAMP_LTZ: return tr_type_is_timestamp(from);
	default: return false;
	}
}

/* The subtasks of a sink: 'sink.parallelism', or 0 for the job's. False: reported. */
static bool sink_parallelism(struct job *job, const struct tr_table_spec *spec, struct tr_span span, uint32_t *result)
{
	int64_t number = tr_options_integer(&spec->options, "sink.parallelism", 0);

	*result = (uint32_t)number;
	if (tr_options_get(&spec->options, "sink.parallelism") == NULL || (number >= 1 && number <= TR_PARALLELISM_MAX))
		return true;
	tr_diag_error(job->binder->diags, TR_E_OPTION, span,
		      "table '%s': 'sink.parallelism' is %lld; it must be 1 to %d", spec->name, (long long)number,
		      TR_PARALLELISM_MAX);
	return false;
}

static const struct tr_node *make_sink(struct job *job, const struct tr_relation *relation,
				       const struct tr_table_spec *spec, uint32_t parallelism)
{
	struct tr_node *node = tr_plan_node(job->binder->arena, TR_NODE_SINK, &relation->node, 1);

	node->sink.table = spec;
	node->parallelism = parallelism;
	return node;
}

static bool add_sink(struct job *job, const struct tr_node *node, struct tr_span span)
{
	if (job->sink_count == TR_PLAN_INPUTS_MAX) {
		tr_diag_error(job->binder->diags, TR_E_LIMIT, span, "more than %d INSERTs in one job",
			      TR_PLAN_INPUTS_MAX);
		return false;
	}
	job->sinks[job->sink_count++] = node;
	return true;
}

/* A relation that can be handed to a sink. */
static const struct tr_relation *bind_whole_query(struct job *job, const struct tr_ast_query *query)
{
	const struct tr_relation *relation = tr_bind_query(job->binder, query, NULL);

	if (relation == NULL)
		return NULL;
	relation = tr_bind_window_columns(job->binder, relation, query->span);
	if (relation == NULL)
		return NULL;
	job->is_bounded = job->is_bounded && relation->is_bounded;
	return relation;
}

/* The place of what goes to a sink's column: the item of SELECT if it is plain which, else the table's name. */
static struct tr_span source_span(const struct tr_ast_insert *ast, uint32_t column, const struct tr_ast_expr **expr)
{
	const struct tr_ast_query *query = ast->query;

	*expr = NULL;
	if (query->kind == TR_AST_QUERY_VALUES && query->values.row_count == 1 && column < query->values.width)
		*expr = query->values.cells[column];
	if (query->kind == TR_AST_QUERY_SELECT && column < query->select.item_count) {
		for (uint32_t i = 0; i <= column; i++)
			if (query->select.items[i].expr->kind == TR_AST_EXPR_STAR)
				return ast->table.span;
		*expr = query->select.items[column].expr;
	}
	return *expr != NULL ? (*expr)->span : ast->table.span;
}

static void report_type(struct job *job, const struct tr_ast_insert *ast, const struct tr_table *table, uint32_t to,
			uint32_t from, const struct tr_bound_column *column)
{
	struct tr_binder *binder = job->binder;
	const struct tr_type *type = tr_type_with_nullable(binder->arena, table->physical->types[to], true);
	const struct tr_ast_expr *expr;
	const struct tr_span span = source_span(ast, from, &expr);
	const char *text = expr != NULL ? tr_unparse_expr(expr, false, binder->arena) : column->name;

	tr_diag_error(binder->diags, TR_E_SINK, span, "column '%s' of '%s' is %s, column %u of the query, %s, is %s",
		      table->physical->names[to], table->name, tr_type_text(binder->arena, type), from + 1, text,
		      tr_type_text(binder->arena, tr_type_with_nullable(binder->arena, column->type, true)));
	if (!tr_type_casts(column->type, type))
		tr_diag_hint(binder->diags,
			     "no CAST makes the one of the other: are the columns in the order of the table's?");
	else if (expr != NULL)
		tr_diag_hint(binder->diags, "write CAST(%s AS %s)", text, tr_type_text(binder->arena, type));
	else
		tr_diag_hint(binder->diags, "have the query make a %s of it, with CAST(.. AS %s)",
			     tr_type_text(binder->arena, type), tr_type_text(binder->arena, type));
}

/* A column of the query as one of the sink. NULL: reported. */
static const struct tr_expr *sink_expr(struct job *job, const struct tr_ast_insert *ast, const struct tr_table *table,
				       uint32_t to, uint32_t from, const struct tr_bound_column *column)
{
	struct tr_binder *binder = job->binder;
	const struct tr_type *type = table->physical->types[to];
	const struct tr_expr *expr = tr_expr_column(binder->arena, column->index, column->type);
	const struct tr_ast_expr *ignored;

	if (column->type->id == TR_TYPE_NULL)
		return tr_expr_null(binder->arena, type);
	if (tr_type_equals_ignoring_null(column->type, type))
		return expr;
	if (!sink_accepts(column->type, type)) {
		report_type(job, ast, table, to, from, column);
		return NULL;
	}
	expr = tr_expr_cast(binder->arena, expr, tr_type_with_nullable(binder->arena, type, column->type->is_nullable),
			    false);
	return tr_bind_placed(binder, expr, source_span(ast, from, &ignored));
}

/* The query's columns as the sink's physical columns. NULL: reported, all of them. */
static const struct tr_expr **sink_exprs(struct job *job, const struct tr_ast_insert *ast, const struct tr_table *table,
					 const struct tr_relation *relation)
{
	struct tr_binder *binder = job->binder;
	const struct tr_schema *physical = table->physical;
	int32_t *source = TR_NEW_ARRAY(binder->arena, physical->column_count + 1, int32_t);
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, physical->column_count + 1, const struct tr_expr *);
	bool is_good = true;

	if (!bind_partition(job, ast, table, exprs) ||
	    !match_columns(job, ast, table, exprs, relation->column_count, source))
		return NULL;
	for (uint32_t i = 0; i < physical->column_count; i++) {
		const uint32_t from = (uint32_t)source[i];

		if (source[i] >= 0) {
			exprs[i] = sink_expr(job, ast, table, i, from, &relation->columns[from]);
			is_good = is_good && exprs[i] != NULL;
		} else if (exprs[i] == NULL && !physical->types[i]->is_nullable) {
			tr_diag_error(binder->diags, TR_E_SINK, ast->table.span,
				      "column '%s' of '%s' is NOT NULL and gets no value", physical->names[i],
				      table->name);
			is_good = false;
		} else if (exprs[i] == NULL) {
			exprs[i] = tr_expr_null(binder->arena, physical->types[i]);
		}
	}
	return is_good ? exprs : NULL;
}

/* Rows with a NULL where the sink has NOT NULL are dropped, as 'table.exec.sink.not-null-enforcer' asks. */
static const struct tr_relation *drop_nulls(struct tr_binder *binder, const struct tr_relation *relation,
					    const struct tr_schema *physical, struct tr_span span)
{
	const struct tr_schema *rows = relation->node->output;
	const struct tr_expr *condition = NULL;

	for (uint32_t i = 0; i < physical->column_count; i++) {
		const struct tr_expr *column = tr_expr_column(binder->arena, i, rows->types[i]);
		const struct tr_expr *both[2] = {condition, NULL};

		if (physical->types[i]->is_nullable || !rows->types[i]->is_nullable)
			continue;
		both[1] = tr_bind_function(binder, "IS NOT NULL", &column, 1, span);
		condition = condition == NULL ? both[1] : tr_bind_function(binder, "AND", both, 2, span);
		if (condition == NULL)
			return NULL;
	}
	return condition != NULL ? tr_bind_filter(binder, relation, condition) : relation;
}

static bool has_length(const struct tr_type *type)
{
	return (tr_type_is_text(type) || tr_type_is_bytes(type)) && type->precision != TR_LENGTH_MAX;
}

/* 'table.exec.sink.type-length-enforcer' = 'TRIM_PAD': what is not as long as its type says, since no cast has made it so (a source
 * does not look), is cut, and padded. Of the columns only, as in Flink. */
static const struct tr_relation *trim_and_pad(struct tr_binder *binder, const struct tr_relation *relation)
{
	const struct tr_schema *rows = relation->node->output;
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, rows->column_count, const struct tr_expr *);

	for (uint32_t i = 0; i < rows->column_count; i++) {
		const struct tr_type *type = rows->types[i];
		const enum tr_type_id id = tr_type_is_text(type) ? TR_TYPE_VARCHAR : TR_TYPE_VARBINARY;

		exprs[i] = tr_expr_column(binder->arena, i, type);
		if (!has_length(type))
			continue;
		exprs[i] = tr_expr_cast(binder->arena, exprs[i],
					tr_type_with_nullable(binder->arena, tr_type_of(id), type->is_nullable), false);
		exprs[i] = tr_expr_cast(binder->arena, exprs[i], type, false);
	}
	return tr_bind_project(binder, relation, rows->column_count, exprs, rows->names);
}

/* "p=v" for each value of PARTITION, in the table's order and with ':' between; NULL: there are none. */
static const char *partition_text(struct tr_binder *binder, const struct tr_ast_insert *ast,
				  const struct tr_table *table, const struct tr_expr *const *values)
{
	const char *text = NULL;

	for (uint32_t k = 0; k < table->partition_count; k++) {
		const char *name = table->physical->names[table->partitions[k]];
		const struct tr_expr *value = values[table->partitions[k]];
		bool is_given = false;

		for (uint32_t i = 0; i < ast->partition_count; i++)
			is_given = is_given || strcmp(ast->partitions[i].column.text, name) == 0;
		if (!is_given)
			continue;
		value = tr_expr_fold(binder->arena,
				     tr_expr_cast(binder->arena, value, tr_type_of(TR_TYPE_VARCHAR), false));
		if (value->kind == TR_EXPR_LITERAL && !value->value.is_null)
			text = tr_arena_printf(binder->arena, "%s%s%s=%.*s", text != NULL ? text : "",
					       text != NULL ? ":" : "", name, (int)value->value.view.length,
					       tr_view_text(&value->value.view));
	}
	return text;
}

static bool insert(struct job *job, const struct tr_ast_statement *statement)
{
	const struct tr_ast_insert *ast = &statement->insert;
	struct tr_binder *binder = job->binder;
	const struct tr_catalog_entry *entry = tr_catalog_find(binder->catalog, &ast->table);
	const struct tr_relation *relation = bind_whole_query(job, ast->query);
	const struct tr_table *table = entry != NULL ? entry->table : NULL;
	const struct tr_expr **exprs;
	struct tr_table_spec *spec;
	const char *enforcer;
	uint32_t parallelism;

	if (entry != NULL && entry->table == NULL && entry->view == NULL)
		return false;
	if (table == NULL) {
		tr_diag_error(binder->diags, TR_E_NO_TABLE, ast->table.span,
			      entry != NULL ? "'%s' is a view and can't be written" : "no table '%s'",
			      tr_catalog_name(&ast->table));
		if (entry == NULL)
			tr_diag_hint_nearest(binder->diags, tr_catalog_name(&ast->table),
					     tr_catalog_names(binder->catalog, binder->arena), binder->catalog->count);
		return false;
	}
	if (relation == NULL)
		return false;
	if (ast->is_overwrite || ast->conflict != TR_AST_CONFLICT_NONE) {
		tr_diag_not_supported(binder->diags, statement->word_span, "INSERT OVERWRITE and ON CONFLICT");
		return false;
	}
	if (table->connector->sink == NULL) {
		tr_diag_error(binder->diags, TR_E_SINK, ast->table.span,
			      "table '%s' can't be written: connector '%s' is a source only", table->name,
			      table->connector->name);
		return false;
	}
	for (uint32_t i = 0; i < table->ast->column_count; i++) {
		const struct tr_ast_column *column = &table->ast->columns[i];

		if (column->kind != TR_AST_COLUMN_METADATA || column->is_virtual)
			continue;
		tr_diag_error(binder->diags, TR_E_SINK, ast->table.span,
			      "'%s' of '%s' is metadata that would be written, and connector '%s' writes none",
			      column->name.text, table->name, table->connector->name);
		tr_diag_hint(binder->diags, "declare it METADATA .. VIRTUAL");
		return false;
	}
	exprs = sink_exprs(job, ast, table, relation);
	if (exprs == NULL)
		return false;
	spec = tr_bind_table_spec(binder, table, &ast->hints);
	if (spec == NULL || !sink_parallelism(job, spec, ast->table.span, &parallelism))
		return false;
	spec->static_partition = partition_text(binder, ast, table, exprs);
	relation = tr_bind_project(binder, relation, table->physical->column_count, exprs, table->physical->names);
	spec->enforces_not_null =
		strcasecmp(tr_config_text(binder->config, "table.exec.sink.not-null-enforcer"), "DROP") != 0;
	if (!spec->enforces_not_null)
		relation = drop_nulls(binder, relation, table->physical, ast->table.span);
	enforcer = tr_config_text(binder->config, "table.exec.sink.type-length-enforcer");
	spec->enforces_length = strcasecmp(enforcer, "ERROR") == 0;
	if (relation != NULL && strcasecmp(enforcer, "TRIM_PAD") == 0)
		relation = trim_and_pad(binder, relation);
	return relation != NULL && add_sink(job, make_sink(job, relation, spec, parallelism), statement->span);
}

/* The name, or with the first number behind it that makes it differ from the ones before. */
static const char *unique_name(struct tr_arena *arena, const char *const *names, uint32_t count, const char *name)
{
	const char *tried = name;

	for (uint32_t number = 0, i = 0; i < count; i++) {
		if (strcmp(names[i], tried) == 0) {
			tried = tr_arena_printf(arena, "%s%u", name, number++);
			i = UINT32_MAX; /* from the first one again */
		}
	}
	return tried;
}

/* A bare SELECT: one subtask prints what all make. */
static bool select_query(struct job *job, const struct tr_ast_statement *statement)
{
	const struct tr_session_options *options = &job->session->options;
	const struct tr_relation *relation = bind_whole_query(job, statement->query);
	struct tr_table_spec *spec;
	const struct tr_expr **exprs;
	const char **names;
	struct tr_status st = {0};

	if (relation == NULL)
		return false;
	exprs = TR_NEW_ARRAY(job->binder->arena, relation->column_count + 1, const struct tr_expr *);
	names = TR_NEW_ARRAY(job->binder->arena, relation->column_count + 1, const char *);
	for (uint32_t i = 0; i < relation->column_count; i++) {
		exprs[i] = tr_expr_column(job->binder->arena, relation->columns[i].index, relation->columns[i].type);
		names[i] = unique_name(job->binder->arena, names, i, relation->columns[i].name);
	}
	relation = tr_bind_project(job->binder, relation, relation->column_count, exprs, names);
	spec = TR_NEW(job->binder->arena, struct tr_table_spec);
	*spec = (struct tr_table_spec){
		.name = "result",
		.connector = options->collect,
		.options = {.items = options->collect_options, .count = options->collect_option_count},
		.schema = relation->node->output,
		.time_zone = job->binder->time_zone,
		.job_id = job->binder->job_id,
		.is_batch = job->binder->is_batch,
		.batch_rows = (uint32_t)tr_config_integer(job->binder->config, "engine.batch-rows"),
	};
	if (tr_connector_check(spec, &st) != TR_OK) {
		tr_diag_error(job->binder->diags, TR_E_SINK, statement->word_span, "%s", st.message);
		tr_diag_hint(job->binder->diags, "CAST the column AS STRING, or choose another --format");
		return false;
	}
	job->is_select = true;
	return add_sink(job, make_sink(job, relation, spec, 1), statement->span);
}

static bool bind_statement(struct job *job, const struct tr_ast_statement *statement)
{
	bool is_good = true;

	switch (statement->kind) {
	case TR_AST_STATEMENT_INSERT: return insert(job, statement);
	case TR_AST_STATEMENT_QUERY: return select_query(job, statement);
	case TR_AST_STATEMENT_STATEMENT_SET:
		for (uint32_t i = 0; i < statement->statement_set.count; i++)
			is_good = insert(job, statement->statement_set.statements[i]) && is_good;
		return is_good;
	default:
		tr_diag_not_supported(job->binder->diags, statement->word_span, "this statement as a job");
		return false;
	}
}

static uint32_t parallelism_of(const struct tr_session *session)
{
	int64_t sql = tr_config_integer(&session->config, "table.exec.resource.default-parallelism");
	int64_t job = tr_config_integer(&session->config, "parallelism.default");
	int64_t chosen = sql > 0 ? sql : job > 0 ? job : session->options.core_count;

	return (uint32_t)TR_MIN(TR_MAX(chosen, 1), TR_PARALLELISM_MAX);
}

static struct tr_plan *new_plan(struct job *job)
{
	struct tr_session *session = job->session;
	struct tr_plan *plan = TR_NEW(&session->arena, struct tr_plan);
	const char *name = tr_config_text(&session->config, "pipeline.name");

	*plan = (struct tr_plan){
		.arena = &session->arena,
		.job_name = name[0] != '\0' ? name : session->options.job_name,
		.job_id = job->binder->job_id,
		.checkpoint =
			{
				.interval_ms = tr_config_integer(&session->config, "execution.checkpointing.interval"),
				.timeout_ms = tr_config_integer(&session->config, "execution.checkpointing.timeout"),
				.min_pause_ms =
					tr_config_integer(&session->config, "execution.checkpointing.min-pause"),
				.retained = (uint32_t)tr_config_integer(&session->config,
									"execution.checkpointing.num-retained"),
				.tolerable_failures = tr_config_integer(
					&session->config, "execution.checkpointing.tolerable-failed-checkpoints"),
				.is_at_least_once =
					strcasecmp(tr_config_text(&session->config, "execution.checkpointing.mode"),
						   "AT_LEAST_ONCE") == 0,
			},
		.is_batch = job->binder->is_batch,
		.sink_count = job->sink_count,
		.batch_rows = (uint32_t)tr_config_integer(&session->config, "engine.batch-rows"),
		.credits = (uint32_t)tr_config_integer(&session->config, "engine.exchange-credits"),
		.workers = (uint32_t)tr_config_integer(&session->config, "engine.workers"),
		.key_groups = (uint32_t)tr_config_integer(&session->config, "pipeline.max-parallelism"),
		.memory_limit = (uint64_t)tr_config_integer(&session->config, "state.memory.limit"),
		.buffer_timeout_ms = tr_config_integer(&session->config, "execution.buffer-timeout.interval"),
		.time_zone = job->binder->time_zone,
	};
	return plan;
}

/* On a stream, a number of rows that nobody bounds. False: reported. */
static bool check_ranks(struct job *job, const struct tr_node *node)
{
	if (!job->binder->is_batch && node->kind == TR_NODE_WINDOW_RANK && node->rank.to == UINT64_MAX) {
		tr_diag_not_supported(job->binder->diags, job->binder->places[node->rank.place],
				      "ROW_NUMBER() that no condition bounds");
		tr_diag_hint(job->binder->diags, "QUALIFY ROW_NUMBER() OVER (..) <= 3, or WHERE rn <= 3 around the "
						 "query");
		return false;
	}
	for (uint32_t i = 0; i < node->input_count; i++) {
		if (!check_ranks(job, node->inputs[i]))
			return false;
	}
	return true;
}

/* The plan of all sinks; `span`: what to blame. */
static bool make_plan(struct job *job, struct tr_span span, struct tr_step *step)
{
	struct tr_session *session = job->session;
	const struct tr_node **bound, **optimized, **physical;
	struct tr_plan *plan;
	struct tr_status st = {0};

	optimized = TR_NEW_ARRAY(&session->arena, job->sink_count, const struct tr_node *);
	physical = TR_NEW_ARRAY(&session->arena, job->sink_count, const struct tr_node *);
	bound = TR_NEW_ARRAY(&session->arena, job->sink_count, const struct tr_node *);
	memcpy(bound, job->sinks, job->sink_count * sizeof(*bound));
	plan = new_plan(job);
	if (parallelism_of(session) > plan->key_groups) {
		tr_diag_error(&session->diags, TR_E_SETTING, span,
			      "parallelism %u is greater than 'pipeline.max-parallelism' (%u)", parallelism_of(session),
			      plan->key_groups);
		return false;
	}
	for (uint32_t i = 0; i < job->sink_count; i++)
		optimized[i] = tr_order(&session->arena, job->sinks[i]);
	tr_optimize(&session->arena, &session->config, optimized, job->sink_count);
	for (uint32_t i = 0; i < job->sink_count; i++) {
		if (!check_ranks(job, optimized[i]))
			return false;
		if (tr_parallelize(&session->arena, &session->config, parallelism_of(session), optimized[i],
				   &physical[i], &st) != TR_OK)
			goto failed;
	}
	tr_reuse_nodes(&session->arena, physical, job->sink_count,
		       tr_config_boolean(&session->config, "table.optimizer.reuse-source-enabled"),
		       !tr_config_boolean(&session->config, "table.optimizer.reuse-sub-plan-enabled"));
	plan->sinks = physical;
	if (tr_plan_check(plan, &st) != TR_OK)
		goto failed;
	if (plan->memory_limit != 0 && plan->stateful_count != 0 && tr_plan_memory_share(plan) < TR_MEMORY_SHARE_MIN) {
		tr_diag_error(&session->diags, TR_E_SETTING, span,
			      "'state.memory.limit' is '%s'; this job needs at least %llu mb: %llu mb for each subtask "
			      "that keeps state, of which it has %u",
			      tr_config_text(&session->config, "state.memory.limit"),
			      (unsigned long long)(plan->stateful_count * TR_MEMORY_SHARE_MIN >> 20),
			      (unsigned long long)TR_MEMORY_SHARE_MIN >> 20, plan->stateful_count);
		return false;
	}
	step->plan = plan;
	step->is_bounded = job->is_bounded;
	step->is_select = job->is_select;
	step->bound = bound;
	return true;
failed:
	tr_diag_error(&session->diags, TR_E_PLAN, span, "%s", st.message);
	return false;
}

bool tr_job_compile(struct tr_session *session, struct tr_binder *binder, const struct tr_ast_statement *statement,
		    struct tr_step *step)
{
	struct job job = {.session = session, .binder = binder, .is_bounded = true};

	if (strcasecmp(tr_config_text(&session->config, "execution.runtime-mode"), "automatic") == 0) {
		tr_diag_error(&session->diags, TR_E_SETTING, statement->word_span,
			      "'execution.runtime-mode' is 'automatic'; SQL needs 'streaming' or 'batch'");
		return false;
	}
	if (!bind_statement(&job, statement) || session->diags.error_count > 0)
		return false;
	return make_plan(&job, statement->word_span, step);
}

const struct tr_node *tr_job_insert(struct tr_session *session, struct tr_binder *binder,
				    const struct tr_ast_statement *statement)
{
	struct job job = {.session = session, .binder = binder, .is_bounded = true};

	return insert(&job, statement) && session->diags.error_count == 0 ? job.sinks[0] : NULL;
}

bool tr_job_plan(struct tr_session *session, struct tr_binder *binder, const struct tr_node *const *sinks,
		 uint32_t count, struct tr_step *step)
{
	struct job job = {.session = session, .binder = binder, .sink_count = count};

	TR_ASSERT(count <= TR_PLAN_INPUTS_MAX);
	memcpy(job.sinks, sinks, count * sizeof(*sinks));
	return make_plan(&job, (struct tr_span){0}, step);
}
