/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE TABLE .. LIKE and CREATE TABLE .. AS: the statement as if it had been written out. See bind.h.
 *
 *     CREATE TABLE t (own columns) WITH (own options) LIKE s (INCLUDING .., EXCLUDING .., OVERWRITING ..)
 *         the source's columns, then the own ones; keys, partitions, watermark and options as the list says
 *     CREATE TABLE t (own columns) AS query
 *         the own columns that the query has not, then the query's, of the own type if there is one; a list of names alone
 *         only puts the query's columns into another order
 *
 * Types that are known already (of the source, of the query) stand beside the tree, since a tree has only words.
 */
#include <string.h>

#include "base/check.h"
#include "sql/bind.h"

struct merge {
	struct tr_binder *binder;
	const struct tr_ast_create_table *own;
	struct tr_ast_column *columns;
	const struct tr_type **types;
	uint32_t count;
	uint32_t room;
};

static void begin(struct merge *merge, struct tr_binder *binder, const struct tr_ast_create_table *own, uint32_t room)
{
	*merge = (struct merge){.binder = binder, .own = own, .room = room};
	merge->columns = TR_NEW_ARRAY(binder->arena, room + 1, struct tr_ast_column);
	merge->types = TR_NEW_ARRAY(binder->arena, room + 1, const struct tr_type *);
}

static void add(struct merge *merge, const struct tr_ast_column *column, const struct tr_type *type)
{
	TR_ASSERT(merge->count < merge->room);
	merge->types[merge->count] = type;
	merge->columns[merge->count++] = *column;
}

static int32_t find(const struct merge *merge, const char *name)
{
	for (uint32_t i = 0; i < merge->count; i++) {
		if (strcmp(merge->columns[i].name.text, name) == 0)
			return (int32_t)i;
	}
	return -1;
}

static const struct tr_table_form *finish(struct merge *merge, struct tr_ast_create_table *made)
{
	struct tr_table_form *form = TR_NEW(merge->binder->arena, struct tr_table_form);

	made->columns = merge->columns;
	made->column_count = merge->count;
	made->has_columns = true;
	form->ast = made;
	form->types = merge->types;
	return form;
}

/* ---- LIKE ---- */

/* What is to become of a feature of the source: the last word about it, else about ALL, else what Flink does unasked. */
static enum tr_ast_like_mode mode_of(const struct tr_ast_like *like, enum tr_ast_like_feature feature)
{
	enum tr_ast_like_mode mode = feature == TR_AST_LIKE_OPTIONS ? TR_AST_LIKE_OVERWRITING : TR_AST_LIKE_INCLUDING;

	for (uint32_t i = 0; i < like->option_count; i++) {
		if (like->options[i].feature == TR_AST_LIKE_ALL)
			mode = like->options[i].mode;
	}
	for (uint32_t i = 0; i < like->option_count; i++) {
		if (like->options[i].feature == feature)
			mode = like->options[i].mode;
	}
	return mode;
}

static bool exists_already(struct merge *merge, struct tr_span span, const char *what, const char *name,
			   const char *feature)
{
	tr_diag_error(merge->binder->diags, TR_E_TABLE, span, "'%s' has %s%s%s%s already",
		      tr_catalog_name(&merge->own->like->table), what, name != NULL ? " '" : "",
		      name != NULL ? name : "", name != NULL ? "'" : "");
	if (feature != NULL)
		tr_diag_hint(merge->binder->diags, "LIKE %s (EXCLUDING %s), or (OVERWRITING %s) where there is that",
			     tr_catalog_name(&merge->own->like->table), feature, feature);
	return false;
}

static enum tr_ast_like_feature feature_of(const struct tr_ast_column *column)
{
	return column->kind == TR_AST_COLUMN_METADATA ? TR_AST_LIKE_METADATA : TR_AST_LIKE_GENERATED;
}

static bool merge_columns(struct merge *merge, const struct tr_table *source)
{
	const struct tr_ast_create_table *own = merge->own;

	for (uint32_t i = 0; i < source->column_count; i++) {
		const struct tr_ast_column *column = &source->ast->columns[i];

		if (column->kind == TR_AST_COLUMN_PHYSICAL)
			add(merge, column, source->columns[i].type);
		else if (mode_of(own->like, feature_of(column)) != TR_AST_LIKE_EXCLUDING)
			add(merge, column, NULL);
	}
	for (uint32_t i = 0; i < own->column_count; i++) {
		const struct tr_ast_column *column = &own->columns[i];
		int32_t at = find(merge, column->name.text);

		if (at < 0) {
			add(merge, column, NULL);
			continue;
		}
		if (column->kind == TR_AST_COLUMN_PHYSICAL || merge->columns[at].kind != column->kind)
			return exists_already(merge, column->span, "a column", column->name.text, NULL);
		if (mode_of(own->like, feature_of(column)) != TR_AST_LIKE_OVERWRITING)
			return exists_already(merge, column->span, "a column", column->name.text,
					      column->kind == TR_AST_COLUMN_METADATA ? "METADATA" : "GENERATED");
		merge->columns[at] = *column;
		merge->types[at] = NULL;
	}
	return true;
}

static bool merge_watermark(struct merge *merge, const struct tr_ast_create_table *source,
			    struct tr_ast_create_table *made)
{
	enum tr_ast_like_mode mode = mode_of(merge->own->like, TR_AST_LIKE_WATERMARKS);

	if (source->watermark_count == 0 || mode == TR_AST_LIKE_EXCLUDING)
		return true;
	if (made->watermark_count == 0) {
		made->watermark_count = source->watermark_count;
		made->watermarks = source->watermarks;
	} else if (mode != TR_AST_LIKE_OVERWRITING) {
		return exists_already(merge, made->watermarks[0].span, "a watermark", NULL, "WATERMARKS");
	}
	return true;
}

static bool has_key(const struct tr_ast_create_table *table)
{
	bool has = table->key_count > 0;

	for (uint32_t i = 0; i < table->column_count; i++)
		has = has || table->columns[i].is_primary_key;
	return has;
}

static bool merge_keys(struct merge *merge, const struct tr_ast_create_table *source, struct tr_ast_create_table *made)
{
	bool is_excluded = mode_of(merge->own->like, TR_AST_LIKE_CONSTRAINTS) == TR_AST_LIKE_EXCLUDING;

	if (has_key(source) && is_excluded) {
		for (uint32_t i = 0; i < source->column_count; i++) {
			int32_t at = find(merge, source->columns[i].name.text);

			if (at >= 0 && source->columns[i].is_primary_key)
				merge->columns[at].is_primary_key = false;
		}
		return true;
	}
	if (has_key(source) && has_key(merge->own))
		return exists_already(merge, made->name.span, "a primary key", NULL, "CONSTRAINTS");
	if (source->key_count > 0) {
		made->keys = source->keys;
		made->key_count = source->key_count;
	}
	return true;
}

static bool merge_partitions(struct merge *merge, const struct tr_ast_create_table *source,
			     struct tr_ast_create_table *made)
{
	bool is_excluded = mode_of(merge->own->like, TR_AST_LIKE_PARTITIONS) == TR_AST_LIKE_EXCLUDING;

	if (source->partitioned_by.count == 0 || is_excluded)
		return true;
	if (made->partitioned_by.count > 0)
		return exists_already(merge, made->partitioned_by.items[0].span, "partitions", NULL, "PARTITIONS");
	made->partitioned_by = source->partitioned_by;
	return true;
}

static bool merge_options(struct merge *merge, const struct tr_ast_create_table *source,
			  struct tr_ast_create_table *made)
{
	enum tr_ast_like_mode mode = mode_of(merge->own->like, TR_AST_LIKE_OPTIONS);
	struct tr_ast_option *items =
		TR_NEW_ARRAY(merge->binder->arena, made->with.count + source->with.count + 1, struct tr_ast_option);
	uint32_t count = 0;

	if (mode == TR_AST_LIKE_EXCLUDING)
		return true;
	for (uint32_t i = 0; i < source->with.count; i++) {
		const struct tr_ast_option *option = &source->with.items[i];
		uint32_t own = 0;

		while (own < made->with.count && strcmp(made->with.items[own].key.text, option->key.text) != 0)
			own++;
		if (own == made->with.count)
			items[count++] = *option;
		else if (mode != TR_AST_LIKE_OVERWRITING)
			return exists_already(merge, made->with.items[own].key.span, "an option", option->key.text,
					      "OPTIONS");
	}
	for (uint32_t i = 0; i < made->with.count; i++)
		items[count++] = made->with.items[i];
	made->with.items = items;
	made->with.count = count;
	if (made->with.span.end == made->with.span.start)
		made->with.span = merge->own->like->span;
	return true;
}

static bool check_modes(struct tr_binder *binder, const struct tr_ast_like *like)
{
	for (uint32_t i = 0; i < like->option_count; i++) {
		const struct tr_ast_like_option *option = &like->options[i];
		bool is_plain = option->feature == TR_AST_LIKE_ALL || option->feature == TR_AST_LIKE_CONSTRAINTS ||
				option->feature == TR_AST_LIKE_PARTITIONS ||
				option->feature == TR_AST_LIKE_DISTRIBUTION;

		if (option->mode == TR_AST_LIKE_OVERWRITING && is_plain) {
			tr_diag_error(binder->diags, TR_E_TABLE, option->span,
				      "OVERWRITING is for GENERATED, METADATA, OPTIONS and WATERMARKS");
			return false;
		}
	}
	return true;
}

const struct tr_table_form *tr_bind_table_like(struct tr_binder *binder, const struct tr_ast_create_table *ast)
{
	const struct tr_catalog_entry *entry = tr_catalog_find(binder->catalog, &ast->like->table);
	struct tr_ast_create_table *made = TR_NEW(binder->arena, struct tr_ast_create_table);
	const struct tr_ast_create_table *source;
	struct merge merge;

	if (entry == NULL || entry->table == NULL) {
		if (entry != NULL && entry->view == NULL)
			return NULL; /* its CREATE was reported */
		tr_diag_error(binder->diags, TR_E_NO_TABLE, ast->like->table.span,
			      entry != NULL ? "LIKE takes a table, '%s' is a view" : "no table '%s'",
			      tr_catalog_name(&ast->like->table));
		if (entry == NULL)
			tr_diag_hint_nearest(binder->diags, tr_catalog_name(&ast->like->table),
					     tr_catalog_names(binder->catalog, binder->arena), binder->catalog->count);
		return NULL;
	}
	source = entry->table->ast;
	begin(&merge, binder, ast, source->column_count + ast->column_count);
	*made = *ast;
	made->like = NULL;
	if (!check_modes(binder, ast->like) || !merge_columns(&merge, entry->table) ||
	    !merge_watermark(&merge, source, made) || !merge_keys(&merge, source, made) ||
	    !merge_partitions(&merge, source, made) || !merge_options(&merge, source, made))
		return NULL;
	return finish(&merge, made);
}

/* ---- AS ---- */

static const struct tr_ast_column *own_column(const struct tr_ast_create_table *own, const char *name)
{
	for (uint32_t i = 0; i < own->column_count; i++) {
		if (strcmp(own->columns[i].name.text, name) == 0)
			return &own->columns[i];
	}
	return NULL;
}

/* A column of the query, as one that the table declares. */
static void add_query_column(struct merge *merge, const struct tr_relation *query, uint32_t number)
{
	const struct tr_bound_column *bound = &query->columns[number];
	const struct tr_ast_column *own = own_column(merge->own, bound->name);
	struct tr_ast_column column = {.kind = TR_AST_COLUMN_PHYSICAL,
				       .span = merge->own->name.span,
				       .name = {.span = merge->own->name.span, .text = bound->name}};

	if (own != NULL && own->type != NULL)
		add(merge, own, NULL);
	else
		add(merge, own != NULL ? own : &column, bound->type);
}

/* CREATE TABLE t (b, a) AS ..: the query's columns in this order. */
static bool reorder(struct merge *merge, const struct tr_relation *query)
{
	for (uint32_t i = 0; i < merge->own->column_count; i++) {
		const struct tr_ast_column *own = &merge->own->columns[i];
		uint32_t at = 0;

		while (at < query->column_count && strcmp(query->columns[at].name, own->name.text) != 0)
			at++;
		if (at == query->column_count) {
			tr_diag_error(merge->binder->diags, TR_E_NO_COLUMN, own->span, "the query has no column '%s'",
				      own->name.text);
			return false;
		}
		add_query_column(merge, query, at);
	}
	if (merge->own->column_count == query->column_count)
		return true;
	tr_diag_error(merge->binder->diags, TR_E_TABLE, merge->own->name.span, "%u names for %u columns",
		      merge->own->column_count, query->column_count);
	return false;
}

static bool check_query_columns(struct merge *merge, const struct tr_relation *query)
{
	for (uint32_t i = 0; i < query->column_count; i++) {
		const struct tr_bound_column *column = &query->columns[i];

		for (uint32_t k = 0; k < i; k++) {
			if (strcmp(query->columns[k].name, column->name) == 0) {
				tr_diag_error(merge->binder->diags, TR_E_TABLE, merge->own->name.span,
					      "the query has two columns '%s'", column->name);
				return false;
			}
		}
		if (column->type->id == TR_TYPE_NULL) {
			tr_diag_error(merge->binder->diags, TR_E_TYPE, merge->own->name.span,
				      "column '%s' of the query is NULL, of no type: write CAST(NULL AS ..)",
				      column->name);
			return false;
		}
	}
	return true;
}

const struct tr_table_form *tr_bind_table_as(struct tr_binder *binder, const struct tr_ast_create_table *ast)
{
	struct tr_ast_create_table *made = TR_NEW(binder->arena, struct tr_ast_create_table);
	const struct tr_relation *query = tr_bind_query(binder, ast->query, NULL);
	struct tr_ast_name *names;
	struct tr_table_form *form;
	struct merge merge;

	if (query == NULL)
		return NULL;
	begin(&merge, binder, ast, query->column_count + ast->column_count);
	*made = *ast;
	made->query = NULL;
	if (!check_query_columns(&merge, query))
		return NULL;
	if (ast->column_count > 0 && ast->columns[0].kind == TR_AST_COLUMN_PHYSICAL && ast->columns[0].type == NULL) {
		if (!reorder(&merge, query))
			return NULL;
	} else {
		for (uint32_t i = 0; i < ast->column_count; i++) {
			bool is_query = false;

			for (uint32_t k = 0; k < query->column_count; k++)
				is_query = is_query || strcmp(query->columns[k].name, ast->columns[i].name.text) == 0;
			if (!is_query)
				add(&merge, &ast->columns[i], NULL);
		}
		for (uint32_t i = 0; i < query->column_count; i++)
			add_query_column(&merge, query, i);
	}
	form = (struct tr_table_form *)(uintptr_t)finish(&merge, made);
	names = TR_NEW_ARRAY(binder->arena, query->column_count + 1, struct tr_ast_name);
	for (uint32_t i = 0; i < query->column_count; i++)
		names[i] = (struct tr_ast_name){.span = ast->name.span, .text = query->columns[i].name};
	form->query_columns = (struct tr_ast_names){.count = query->column_count, .items = names};
	return form;
}
