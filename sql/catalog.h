/* SPDX-License-Identifier: Apache-2.0
 *
 * Catalog: the tables and views that a script has made so far.
 *
 * One flat list of names: catalogs and databases are one each ("default_catalog"."default_database"), as in a fresh
 * Flink session; a path with other qualifiers is not found. Entries are made by the binder and never change; dropping
 * or replacing one makes a new entry visible from there on. All lives in the session's arena. Thread: one owner.
 */
#ifndef TR_SQL_CATALOG_H
#define TR_SQL_CATALOG_H

#include "core/plan.h"
#include "sql/ast.h"

#define TR_CATALOG_ENTRIES_MAX 10000

/** What a column of a declared table is. */
struct tr_table_column {
	const char *name;
	const struct tr_type *type;
	int32_t physical;           /* index among the physical columns, or -1: computed, or metadata */
	const struct tr_expr *expr; /* over the readable columns: a COLUMN for physical ones */
	struct tr_span span;        /* where it was declared */
};

/** CREATE TABLE, bound. */
struct tr_table {
	const char *name;
	uint32_t column_count;
	const struct tr_table_column *columns;
	const struct tr_schema *physical;
	const struct tr_schema *readable; /* what a source gives: the physical columns, then metadata */
	const uint32_t *metadata_columns; /* of these, and which metadata of the connector they are */
	const uint32_t *metadata_keys;
	uint32_t metadata_count;
	const struct tr_connector *connector;
	const struct tr_format *format; /* or NULL */
	struct tr_options options;
	const struct tr_ast_create_table *ast;
	int32_t rowtime;                 /* column with a watermark, or -1 */
	const struct tr_expr *watermark; /* over the physical columns */
	uint32_t partition_count;
	const uint32_t *partitions; /* physical columns */
	bool is_bounded;            /* as a source */
};

/** CREATE VIEW: its query is bound anew where it is used. */
struct tr_view_def {
	const char *name;
	const struct tr_ast_create_view *ast;
	const struct tr_script_text *text; /* that it was written in */
};

struct tr_relation; /* sql/bind.h */

/** None of the three: its CREATE failed and was reported; who uses it fails without another word. */
struct tr_catalog_entry {
	const char *name;
	const struct tr_table *table;     /* or */
	const struct tr_view_def *view;   /* or */
	const struct tr_relation *stream; /* of a graph that is built otherwise (sql/embed.h) */
};

/** Where a function is looked for: a temporary system one before built-in ones, the others behind them. */
enum tr_function_scope { TR_FUNCTION_SYSTEM, TR_FUNCTION_TEMPORARY, TR_FUNCTION_CATALOG };

struct tr_func_user; /* core/ops/func_user.h */

/** A function that a script or program has brought. Names don't tell upper from lower case, as in Flink. */
struct tr_catalog_function {
	const char *name;
	enum tr_function_scope scope;
	const struct tr_func_user *user; /* NULL: its CREATE failed and was reported */
	const char *symbol;
	const char *library; /* as it was written; NULL: it is of the program */
};

struct tr_catalog {
	struct tr_arena *arena;
	struct tr_catalog_function *functions;
	uint32_t function_count;
	uint32_t function_capacity;
	struct tr_catalog_entry *entries;
	uint32_t count;
	uint32_t capacity;
};

void tr_catalog_init(struct tr_catalog *catalog, struct tr_arena *arena);

/** The entry for a name or path, or NULL. Qualifiers other than the defaults are not found. */
const struct tr_catalog_entry *tr_catalog_find(const struct tr_catalog *catalog, const struct tr_ast_path *path);

/** Adds or replaces. False: the catalog is full. */
bool tr_catalog_put(struct tr_catalog *catalog, const char *name, const struct tr_table *table,
		    const struct tr_view_def *view);

/** Adds or replaces a stream under this name. False: the catalog is full. */
bool tr_catalog_put_stream(struct tr_catalog *catalog, const char *name, const struct tr_relation *stream);

/** Removes a name; false if it is not there. */
bool tr_catalog_drop(struct tr_catalog *catalog, const struct tr_ast_path *path);

/** The function of that name in one scope, or NULL. Qualifiers other than the defaults are not found. */
const struct tr_catalog_function *tr_catalog_function_in(const struct tr_catalog *catalog,
							 const struct tr_ast_path *path, enum tr_function_scope scope);

/** What a call means: as Flink looks it up. NULL: a built-in function (`is_built_in`: there is one of the name), or nothing. */
const struct tr_catalog_function *tr_catalog_function(const struct tr_catalog *catalog, const struct tr_ast_path *path,
						      bool is_built_in);

/** Adds or replaces. False: the catalog is full. */
bool tr_catalog_put_function(struct tr_catalog *catalog, const struct tr_catalog_function *function);
void tr_catalog_drop_function(struct tr_catalog *catalog, const struct tr_catalog_function *function);

/** Whether the path's qualifiers are the defaults, or there are none. */
bool tr_catalog_is_default(const struct tr_ast_path *path);

/** The last name of the path. */
const char *tr_catalog_name(const struct tr_ast_path *path);

/** All names, for suggestions; in `arena`. */
const char *const *tr_catalog_names(const struct tr_catalog *catalog, struct tr_arena *arena);

#endif
