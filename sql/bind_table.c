/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding CREATE TABLE, and the spec through which a table is read or written. See bind.h.
 *
 * Physical columns make up the schema that connectors see. A computed column is an expression over physical columns;
 * where it names another computed column, that one's expression is put in its place, in the order of declaration.
 */
#include <string.h>
#include <strings.h>

#include "io/connector.h"
#include "io/source.h"
#include "base/check.h"
#include "sql/bind.h"
#include "sql/type_name.h"

struct table_builder {
	struct tr_binder *binder;
	const struct tr_ast_create_table *ast;
	const struct tr_type *const *types; /* by column, those that are known; or NULL */
	struct tr_table *table;
	struct tr_table_column *columns;
	struct tr_relation scope; /* the columns bound so far; index = number among all columns */
};

static const struct tr_expr *column_expr(struct tr_binder *binder, const struct tr_table_column *columns,
					 uint32_t count, const struct tr_expr *expr)
{
	const struct tr_expr **replacements = TR_NEW_ARRAY(binder->arena, count + 1, const struct tr_expr *);

	for (uint32_t i = 0; i < count; i++)
		replacements[i] = columns[i].expr;
	return tr_expr_substitute(binder->arena, expr, replacements, count);
}

/* Columns of a primary key are NOT NULL, whether they say so or not. */
static bool is_key_column(const struct tr_ast_create_table *ast, const struct tr_ast_column *column)
{
	bool is_key = column->is_primary_key;

	for (uint32_t i = 0; i < ast->key_count; i++) {
		for (uint32_t c = 0; c < ast->keys[i].columns.count; c++)
			is_key = is_key || strcmp(ast->keys[i].columns.items[c].text, column->name.text) == 0;
	}
	return is_key;
}

/* Physical columns first, so that a computed column may name one that stands below it. */
static bool bind_physical(struct table_builder *builder)
{
	const struct tr_ast_create_table *ast = builder->ast;
	struct tr_binder *binder = builder->binder;
	const char **names = TR_NEW_ARRAY(binder->arena, ast->column_count + 1, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(binder->arena, ast->column_count + 1, const struct tr_type *);
	struct tr_schema *schema = TR_NEW(binder->arena, struct tr_schema);
	uint32_t count = 0;
	bool is_good = true;

	for (uint32_t i = 0; i < ast->column_count; i++) {
		const struct tr_ast_column *column = &ast->columns[i];
		struct tr_table_column *bound = &builder->columns[i];

		bound->name = column->name.text;
		bound->span = column->span;
		bound->physical = -1;
		if (column->kind != TR_AST_COLUMN_PHYSICAL)
			continue;
		bound->type = builder->types != NULL && builder->types[i] != NULL
				      ? builder->types[i]
				      : tr_type_name_resolve(column->type, binder->arena, binder->diags);
		if (bound->type != NULL && is_key_column(ast, column))
			bound->type = tr_type_with_nullable(binder->arena, bound->type, false);
		if (bound->type == NULL) {
			is_good = false;
			continue;
		}
		names[count] = bound->name;
		types[count] = bound->type;
		bound->expr = tr_expr_column(binder->arena, count, bound->type);
		bound->physical = (int32_t)count++;
	}
	*schema = (struct tr_schema){.column_count = count, .names = names, .types = types};
	builder->table->physical = schema;
	if (is_good && count == 0) {
		tr_diag_error(binder->diags, TR_E_TABLE, ast->name.span, "table '%s' has no columns",
			      builder->table->name);
		return false;
	}
	return is_good;
}

static bool find_connector(struct table_builder *builder);

/* The connector that WITH names; NULL: there is none of that name. */
static const struct tr_connector *named_connector(const struct tr_ast_options *with)
{
	for (uint32_t i = 0; i < with->count; i++) {
		if (strcmp(with->items[i].key.text, "connector") == 0)
			return tr_registry_find_connector(with->items[i].value.text);
	}
	return NULL;
}

/* The number of the metadata that a column reads; -1: reported. */
static int32_t find_metadata(struct tr_binder *binder, const struct tr_connector *connector,
			     const struct tr_ast_column *column)
{
	const char *key = column->metadata_key != NULL ? column->metadata_key->text : column->name.text;
	const char *names[64];
	uint32_t count = 0;

	while (connector->metadata != NULL && connector->metadata[count].key != NULL && count < TR_COUNT_OF(names)) {
		names[count] = connector->metadata[count].key;
		if (strcmp(names[count], key) == 0)
			return (int32_t)count;
		count++;
	}
	tr_diag_error(binder->diags, TR_E_TABLE, column->span,
		      count > 0 ? "connector '%s' has no metadata '%s'" : "connector '%s' has no metadata columns: '%s'",
		      connector->name, key);
	tr_diag_hint_nearest(binder->diags, key, names, count);
	return -1;
}

/* A column that the source fills, behind the physical ones, as the type that was asked for. */
static bool bind_metadata_column(struct table_builder *builder, const struct tr_connector *connector, uint32_t number,
				 uint32_t at, uint32_t *key, const struct tr_type **native)
{
	struct tr_binder *binder = builder->binder;
	const struct tr_ast_column *column = &builder->ast->columns[number];
	struct tr_table_column *bound = &builder->columns[number];
	int32_t found = find_metadata(binder, connector, column);
	const struct tr_type *type;

	bound->type = tr_type_name_resolve(column->type, binder->arena, binder->diags);
	if (found < 0 || bound->type == NULL)
		return false;
	type = tr_type_of(connector->metadata[found].type);
	if (type->id == TR_TYPE_TIMESTAMP_LTZ)
		type = tr_type_with_precision(binder->arena, type->id, 3);
	*native = tr_type_with_nullable(binder->arena, type, false);
	*key = (uint32_t)found;
	bound->expr = tr_expr_column(binder->arena, at, *native);
	if (!tr_type_equals_ignoring_null(*native, bound->type))
		bound->expr = tr_bind_placed(binder, tr_expr_cast(binder->arena, bound->expr, bound->type, false),
					     column->span);
	return bound->expr != NULL;
}

/* Metadata columns; and with them all that a source can give. */
static bool bind_metadata(struct table_builder *builder)
{
	const struct tr_ast_create_table *ast = builder->ast;
	const struct tr_connector *connector = named_connector(&ast->with);
	const struct tr_schema *physical = builder->table->physical;
	struct tr_arena *arena = builder->binder->arena;
	uint32_t room = physical->column_count + ast->column_count + 1, count = physical->column_count;
	const char **names = TR_NEW_ARRAY(arena, room, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(arena, room, const struct tr_type *);
	uint32_t *columns = TR_NEW_ARRAY(arena, room, uint32_t), *keys = TR_NEW_ARRAY(arena, room, uint32_t);
	struct tr_schema *schema = TR_NEW(arena, struct tr_schema);

	memcpy(names, physical->names, count * sizeof(*names));
	memcpy(types, physical->types, count * sizeof(*types));
	for (uint32_t i = 0; i < ast->column_count; i++) {
		const uint32_t at = count - physical->column_count;

		if (ast->columns[i].kind != TR_AST_COLUMN_METADATA)
			continue;
		if (connector == NULL)
			return find_connector(builder); /* says what is wrong */
		if (!bind_metadata_column(builder, connector, i, count, &keys[at], &types[count]))
			return false;
		columns[at] = count;
		names[count++] = builder->columns[i].name;
	}
	*schema = (struct tr_schema){.column_count = count, .names = names, .types = types};
	builder->table->readable = schema;
	builder->table->metadata_columns = columns;
	builder->table->metadata_keys = keys;
	builder->table->metadata_count = count - physical->column_count;
	return true;
}

/* Makes the columns bound so far visible to expressions. */
static void refresh_scope(struct table_builder *builder)
{
	struct tr_relation *scope = &builder->scope;

	scope->column_count = 0;
	for (uint32_t i = 0; i < builder->ast->column_count; i++) {
		if (builder->columns[i].expr == NULL)
			continue;
		scope->columns[scope->column_count++] = (struct tr_bound_column){
			.name = builder->columns[i].name, .type = builder->columns[i].type, .index = i};
	}
}

/* Nodes of an expression with those of the columns that it names; not much more than the limit. */
static uint32_t nodes_of(const struct tr_expr *expr, const uint32_t *columns)
{
	uint32_t nodes = expr->kind == TR_EXPR_COLUMN ? TR_MAX(columns[expr->column], 1u) : 1;

	for (uint32_t i = 0; i < expr->arg_count && nodes <= TR_COLUMN_NODES_MAX; i++)
		nodes += nodes_of(expr->args[i], columns);
	return nodes;
}

static bool bind_computed(struct table_builder *builder)
{
	struct tr_binder *binder = builder->binder;
	struct tr_expr_scope scope = {.relation = &builder->scope, .clause = "a computed column"};
	uint32_t *nodes = TR_NEW_ARRAY(binder->arena, builder->ast->column_count + 1, uint32_t);
	bool is_good = true;

	for (uint32_t i = 0; i < builder->ast->column_count; i++) {
		struct tr_table_column *bound = &builder->columns[i];
		const struct tr_expr *expr;

		if (builder->ast->columns[i].kind != TR_AST_COLUMN_COMPUTED)
			continue;
		refresh_scope(builder);
		expr = tr_bind_expr(binder, &scope, builder->ast->columns[i].expr);
		if (expr == NULL) {
			is_good = false;
			continue;
		}
		nodes[i] = nodes_of(expr, nodes);
		if (nodes[i] > TR_COLUMN_NODES_MAX) {
			tr_diag_error(binder->diags, TR_E_LIMIT, builder->ast->columns[i].name.span,
				      "the expression of '%s', with the columns that it names, has more than %d parts",
				      bound->name, TR_COLUMN_NODES_MAX);
			is_good = false;
			continue;
		}
		bound->expr = column_expr(binder, builder->columns, builder->ast->column_count, expr);
		bound->type = expr->type;
	}
	refresh_scope(builder);
	return is_good;
}

static int32_t find_column(const struct table_builder *builder, const struct tr_ast_name *name)
{
	for (uint32_t i = 0; i < builder->ast->column_count; i++) {
		if (strcmp(builder->columns[i].name, name->text) == 0)
			return (int32_t)i;
	}
	return -1;
}

static int32_t need_column(const struct table_builder *builder, const struct tr_ast_name *name, const char *clause)
{
	int32_t found = find_column(builder, name);
	const char **names;

	if (found >= 0)
		return found;
	names = TR_NEW_ARRAY(builder->binder->arena, builder->ast->column_count + 1, const char *);
	for (uint32_t i = 0; i < builder->ast->column_count; i++)
		names[i] = builder->columns[i].name;
	tr_diag_error(builder->binder->diags, TR_E_NO_COLUMN, name->span, "%s names '%s', which is no column", clause,
		      name->text);
	tr_diag_hint_nearest(builder->binder->diags, name->text, names, builder->ast->column_count);
	return -1;
}

static bool bind_watermark(struct table_builder *builder)
{
	struct tr_binder *binder = builder->binder;
	struct tr_expr_scope scope = {.relation = &builder->scope, .clause = "WATERMARK"};
	const struct tr_ast_watermark *ast = &builder->ast->watermarks[0];
	const struct tr_type *type;
	const struct tr_expr *expr;

	builder->table->rowtime = -1;
	if (builder->ast->watermark_count == 0)
		return true;
	if (builder->ast->watermark_count > 1 || ast->column.count > 1) {
		tr_diag_error(binder->diags, TR_E_TIME,
			      builder->ast->watermarks[builder->ast->watermark_count - 1].span,
			      "a table has one WATERMARK, on one of its columns");
		return false;
	}
	builder->table->rowtime = need_column(builder, &ast->column.names[0], "WATERMARK FOR");
	if (builder->table->rowtime < 0)
		return false;
	type = builder->columns[builder->table->rowtime].type;
	if (!tr_type_is_timestamp(type) || type->precision > 3) {
		tr_diag_error(binder->diags, TR_E_TIME, ast->column.span,
			      "event time must be TIMESTAMP(3) or TIMESTAMP_LTZ(3), '%s' is %s",
			      ast->column.names[0].text, tr_type_text(binder->arena, type));
		tr_diag_hint(binder->diags, "add a column AS CAST(%s AS TIMESTAMP(3))", ast->column.names[0].text);
		return false;
	}
	expr = tr_bind_expr(binder, &scope, ast->expr);
	if (expr == NULL)
		return false;
	if (!tr_type_is_timestamp(expr->type) || expr->type->precision > 3) {
		tr_diag_error(binder->diags, TR_E_TIME, ast->expr->span,
			      "the watermark must be TIMESTAMP(3) or TIMESTAMP_LTZ(3), this is %s",
			      tr_type_text(binder->arena, expr->type));
		return false;
	}
	builder->table->watermark = column_expr(binder, builder->columns, builder->ast->column_count, expr);
	return true;
}

static bool bind_keys(struct table_builder *builder)
{
	struct tr_binder *binder = builder->binder;
	bool is_good = true;

	for (uint32_t i = 0; i < builder->ast->key_count; i++) {
		const struct tr_ast_key *key = &builder->ast->keys[i];

		if (key->is_unique) {
			tr_diag_not_supported(binder->diags, key->span, "UNIQUE");
			is_good = false;
		} else if (!key->is_not_enforced) {
			tr_diag_error(binder->diags, TR_E_TABLE, key->span,
				      "a primary key is not enforced: say NOT ENFORCED");
			is_good = false;
		}
		for (uint32_t c = 0; c < key->columns.count; c++)
			is_good = need_column(builder, &key->columns.items[c], "PRIMARY KEY") >= 0 && is_good;
	}
	return is_good;
}

static bool bind_partitions(struct table_builder *builder)
{
	const struct tr_ast_names *names = &builder->ast->partitioned_by;
	uint32_t *partitions = TR_NEW_ARRAY(builder->binder->arena, names->count + 1, uint32_t);

	for (uint32_t i = 0; i < names->count; i++) {
		int32_t column = need_column(builder, &names->items[i], "PARTITIONED BY");

		if (column < 0)
			return false;
		if (builder->columns[column].physical < 0) {
			tr_diag_error(builder->binder->diags, TR_E_TABLE, names->items[i].span,
				      "'%s' is computed; a partition column must be physical", names->items[i].text);
			return false;
		}
		partitions[i] = (uint32_t)builder->columns[column].physical;
	}
	builder->table->partition_count = names->count;
	builder->table->partitions = partitions;
	return true;
}

/* ---- WITH ---- */

static const struct tr_ast_option *find_option(const struct tr_ast_options *with, const char *key)
{
	for (uint32_t i = 0; i < with->count; i++) {
		if (strcmp(with->items[i].key.text, key) == 0)
			return &with->items[i];
	}
	return NULL;
}

static bool find_connector(struct table_builder *builder)
{
	struct tr_binder *binder = builder->binder;
	const struct tr_ast_options *with = &builder->ast->with;
	const struct tr_ast_option *option = find_option(with, "connector");
	const struct tr_connector *const *all = tr_registry_connectors();
	const char *names[256];
	uint32_t count = 0;

	if (option == NULL) {
		tr_diag_error(binder->diags, TR_E_OPTION, with->count > 0 ? with->span : builder->ast->name.span,
			      "table '%s' needs the option 'connector'", builder->table->name);
		tr_diag_hint(binder->diags, "WITH ('connector' = 'filesystem', 'path' = '...', 'format' = 'json')");
		return false;
	}
	builder->table->connector = tr_registry_find_connector(option->value.text);
	if (builder->table->connector == NULL) {
		for (; all[count] != NULL && count < TR_COUNT_OF(names); count++)
			names[count] = all[count]->name;
		tr_diag_error(binder->diags, TR_E_OPTION, option->value.span, "no connector '%s'", option->value.text);
		tr_diag_hint_nearest(binder->diags, option->value.text, names, count);
		return false;
	}
	option = find_option(with, "format");
	if (option == NULL)
		return true; /* a missing format is tr_options_check's to report */
	builder->table->format = tr_registry_find_format(option->value.text);
	if (builder->table->format == NULL && builder->table->connector->uses_format) {
		const struct tr_format *const *formats = tr_registry_formats();

		for (count = 0; formats[count] != NULL && count < TR_COUNT_OF(names); count++)
			names[count] = formats[count]->name;
		tr_diag_error(binder->diags, TR_E_OPTION, option->value.span, "no format '%s'", option->value.text);
		tr_diag_hint_nearest(binder->diags, option->value.text, names, count);
		return false;
	}
	return true;
}

static bool bind_options(struct table_builder *builder)
{
	struct tr_binder *binder = builder->binder;
	const struct tr_ast_options *with = &builder->ast->with;
	struct tr_option *items = TR_NEW_ARRAY(binder->arena, with->count + 1, struct tr_option);
	struct tr_table_spec *spec;
	struct tr_status st = {0};
	const char *bad_key = NULL;

	for (uint32_t i = 0; i < with->count; i++)
		items[i] = (struct tr_option){.key = with->items[i].key.text, .value = with->items[i].value.text};
	builder->table->options = (struct tr_options){.items = items, .count = with->count};
	if (!find_connector(builder))
		return false;
	spec = tr_bind_table_spec(binder, builder->table, NULL);
	if (spec == NULL)
		return false;
	if (tr_options_check(spec, &bad_key, &st) != TR_OK) {
		const struct tr_ast_option *bad = bad_key != NULL ? find_option(with, bad_key) : NULL;

		tr_diag_error(binder->diags, TR_E_OPTION, bad != NULL ? bad->key.span : with->span, "%s", st.message);
		return false;
	}
	if (builder->table->connector->source != NULL)
		builder->table->is_bounded = builder->table->connector->source->is_bounded(spec);
	return true;
}

/* One of OPTIONS('k'='v'): takes the place of the option that the table declared, or is added. */
static bool apply_option(struct tr_binder *binder, struct tr_table_spec *spec, struct tr_option *items, uint32_t *count,
			 const struct tr_ast_option *option)
{
	uint32_t at = 0;

	if (strcmp(option->key.text, "connector") == 0) {
		tr_diag_error(binder->diags, TR_E_OPTION, option->key.span, "a hint can't change the connector of '%s'",
			      spec->name);
		return false;
	}
	if (strcmp(option->key.text, "format") == 0)
		spec->format = tr_registry_find_format(option->value.text); /* unknown: tr_options_check says so */
	while (at < *count && strcmp(items[at].key, option->key.text) != 0)
		at++;
	items[at] = (struct tr_option){.key = option->key.text, .value = option->value.text};
	if (at == *count)
		(*count)++;
	return true;
}

static bool apply_options_hint(struct tr_binder *binder, struct tr_table_spec *spec, const struct tr_ast_hint *hint)
{
	uint32_t count = spec->options.count;
	struct tr_option *items = TR_NEW_ARRAY(binder->arena, count + hint->option_count + 1, struct tr_option);
	struct tr_span span = hint->span;
	struct tr_status st = {0};
	const char *bad_key = NULL;

	if (count > 0)
		memcpy(items, spec->options.items, count * sizeof(*items));
	for (uint32_t i = 0; i < hint->option_count; i++) {
		if (!apply_option(binder, spec, items, &count, &hint->options[i]))
			return false;
	}
	spec->options = (struct tr_options){.items = items, .count = count};
	if (tr_options_check(spec, &bad_key, &st) == TR_OK)
		return true;
	for (uint32_t i = 0; bad_key != NULL && i < hint->option_count; i++) {
		if (strcmp(hint->options[i].key.text, bad_key) == 0)
			span = hint->options[i].key.span;
	}
	tr_diag_error(binder->diags, TR_E_OPTION, span, "%s", st.message);
	return false;
}

struct tr_table_spec *tr_bind_table_spec(struct tr_binder *binder, const struct tr_table *table,
					 const struct tr_ast_hints *hints)
{
	struct tr_table_spec *spec = TR_NEW(binder->arena, struct tr_table_spec);

	*spec = (struct tr_table_spec){
		.name = table->name,
		.connector = table->connector,
		.format = table->format,
		.options = table->options,
		.schema = table->physical,
		.partition_columns = table->partitions,
		.partition_count = table->partition_count,
		.time_zone = binder->time_zone,
		.job_id = binder->job_id,
		.batch_rows = (uint32_t)tr_config_integer(binder->config, "engine.batch-rows"),
	};
	for (uint32_t i = 0; hints != NULL && i < hints->count; i++) {
		if (strcasecmp(hints->items[i].name.text, "OPTIONS") != 0) {
			tr_diag_error(binder->diags, TR_E_OPTION, hints->items[i].span,
				      "no hint '%s' for a table; there is OPTIONS('key' = 'value')",
				      hints->items[i].name.text);
			return NULL;
		}
		if (!apply_options_hint(binder, spec, &hints->items[i]))
			return NULL;
	}
	return spec;
}

/* ---- CREATE TABLE ---- */

static bool check_form(struct tr_binder *binder, const struct tr_ast_create_table *ast)
{
	if (ast->distribution != NULL) {
		tr_diag_not_supported(binder->diags, ast->distribution->span, "DISTRIBUTED BY");
		return false;
	}
	if (ast->is_replace && ast->query == NULL) {
		tr_diag_error(binder->diags, TR_E_TABLE, ast->name.span, "REPLACE TABLE needs AS and a query");
		tr_diag_hint(binder->diags, "DROP TABLE IF EXISTS %s; and CREATE TABLE", tr_catalog_name(&ast->name));
		return false;
	}
	for (uint32_t i = 0; ast->query == NULL && i < ast->column_count; i++) {
		if (ast->columns[i].kind == TR_AST_COLUMN_PHYSICAL && ast->columns[i].type == NULL) {
			tr_diag_error(binder->diags, TR_E_TABLE, ast->columns[i].span, "column '%s' has no type",
				      ast->columns[i].name.text);
			return false;
		}
	}
	return true;
}

/* What AS adds to the catalog's table. */
static const struct tr_ast_insert *insert_of(struct tr_binder *binder, const struct tr_ast_create_table *ast,
					     const struct tr_table_form *form)
{
	struct tr_ast_insert *insert = TR_NEW(binder->arena, struct tr_ast_insert);

	*insert = (struct tr_ast_insert){.table = ast->name, .columns = form->query_columns, .query = ast->query};
	return insert;
}

/* The statement written out; false: reported. */
static bool write_out(struct tr_binder *binder, const struct tr_ast_create_table *ast, struct tr_table_form *form)
{
	const struct tr_table_form *made;

	*form = (struct tr_table_form){.ast = ast};
	if (ast->like == NULL && ast->query == NULL)
		return true;
	made = ast->like != NULL ? tr_bind_table_like(binder, ast) : tr_bind_table_as(binder, ast);
	if (made != NULL)
		*form = *made;
	return made != NULL;
}

const struct tr_ast_insert *tr_bind_create_table(struct tr_binder *binder, const struct tr_ast_create_table *ast,
						 struct tr_span span)
{
	struct table_builder builder = {.binder = binder};
	const struct tr_catalog_entry *existing = tr_catalog_find(binder->catalog, &ast->name);
	const char *name = tr_catalog_name(&ast->name);
	struct tr_table_form form;

	if (!check_form(binder, ast))
		return NULL;
	if (existing != NULL && !ast->is_replace) {
		if (!ast->if_not_exists)
			tr_diag_error(binder->diags, TR_E_EXISTS, ast->name.span,
				      "there is a table or view '%s' already", existing->name);
		return NULL;
	}
	if (!write_out(binder, ast, &form)) {
		(void)tr_catalog_put(binder->catalog, name, NULL, NULL);
		return NULL;
	}
	builder.ast = form.ast;
	builder.types = form.types;
	builder.table = TR_NEW(binder->arena, struct tr_table);
	builder.columns = TR_NEW_ARRAY(binder->arena, form.ast->column_count + 1, struct tr_table_column);
	builder.scope.columns = TR_NEW_ARRAY(binder->arena, form.ast->column_count + 1, struct tr_bound_column);
	builder.table->name = name;
	builder.table->ast = form.ast;
	builder.table->columns = builder.columns;
	builder.table->column_count = form.ast->column_count;
	if (!bind_physical(&builder) || !bind_metadata(&builder) || !bind_computed(&builder) ||
	    !bind_watermark(&builder) || !bind_keys(&builder) || !bind_partitions(&builder) ||
	    !bind_options(&builder)) {
		/* Known by name, so that its uses are not errors of their own. */
		(void)tr_catalog_put(binder->catalog, name, NULL, NULL);
		return NULL;
	}
	if (!tr_catalog_put(binder->catalog, name, builder.table, NULL)) {
		tr_diag_error(binder->diags, TR_E_LIMIT, span, "more than %d tables and views", TR_CATALOG_ENTRIES_MAX);
		return NULL;
	}
	return ast->query != NULL ? insert_of(binder, ast, &form) : NULL;
}
