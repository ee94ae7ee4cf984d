/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree, part three: statements and scripts. Include this one for the whole tree.
 *
 *     sql/ast_expr.h    names, types, expressions
 *     sql/ast_query.h   queries and table references
 *     sql/ast.h         statements
 *
 * A script is a list of statements in the order of the file. What Flink accepts and no later part can run is in the
 * tree nevertheless: as a node of its own where its shape is known, else as TR_AST_STATEMENT_OTHER, which keeps the
 * words that name it ("ALTER TABLE", "STOP JOB") and the text. The binder refuses it at its place
 * (tr_diag_not_supported), so that nobody meets a syntax error for a statement that is right.
 */
#ifndef TR_SQL_AST_H
#define TR_SQL_AST_H

#include "sql/ast_query.h"

#define TR_AST_STATEMENTS_MAX 10000 /* of a script */
#define TR_AST_OPTIONS_MAX 1000     /* of a WITH clause */

/* ---------------------------------------------------------------- CREATE TABLE */

enum tr_ast_column_kind {
	TR_AST_COLUMN_PHYSICAL, /* name type [COMMENT] */
	TR_AST_COLUMN_METADATA, /* name type METADATA [FROM 'key'] [VIRTUAL] */
	TR_AST_COLUMN_COMPUTED, /* name AS expr */
};

struct tr_ast_column {
	enum tr_ast_column_kind kind;
	struct tr_span span;
	struct tr_ast_name name;
	const struct tr_ast_type *type;           /* PHYSICAL, METADATA; NULL in CREATE TABLE t (a, b) AS query */
	const struct tr_ast_string *metadata_key; /* or NULL: the column's name */
	bool is_virtual;
	struct tr_ast_expr *expr;            /* COMPUTED */
	bool is_primary_key;                 /* PRIMARY KEY NOT ENFORCED at the column */
	const struct tr_ast_string *comment; /* or NULL */
};

struct tr_ast_watermark {
	struct tr_span span;
	struct tr_ast_path column; /* may be a path into a row: Flink refuses it later */
	struct tr_ast_expr *expr;
};

/** [CONSTRAINT name] PRIMARY KEY (columns) [NOT] ENFORCED; UNIQUE parses and is refused later. */
struct tr_ast_key {
	struct tr_span span;
	const struct tr_ast_name *name; /* or NULL */
	bool is_unique;                 /* UNIQUE; else PRIMARY KEY */
	bool is_not_enforced;           /* Flink asks for it: the binder complains when it is missing */
	struct tr_ast_names columns;
};

enum tr_ast_distribution_kind { TR_AST_DISTRIBUTION_DEFAULT, TR_AST_DISTRIBUTION_HASH, TR_AST_DISTRIBUTION_RANGE };

struct tr_ast_distribution {
	struct tr_span span;
	enum tr_ast_distribution_kind kind;
	struct tr_ast_names columns; /* count 0: DISTRIBUTED INTO n BUCKETS */
	int64_t bucket_count;        /* 0: not given */
};

enum tr_ast_like_mode { TR_AST_LIKE_INCLUDING, TR_AST_LIKE_EXCLUDING, TR_AST_LIKE_OVERWRITING };
enum tr_ast_like_feature {
	TR_AST_LIKE_ALL,
	TR_AST_LIKE_CONSTRAINTS,
	TR_AST_LIKE_DISTRIBUTION,
	TR_AST_LIKE_GENERATED,
	TR_AST_LIKE_METADATA,
	TR_AST_LIKE_OPTIONS,
	TR_AST_LIKE_PARTITIONS,
	TR_AST_LIKE_WATERMARKS
};

struct tr_ast_like_option {
	struct tr_span span;
	enum tr_ast_like_mode mode;
	enum tr_ast_like_feature feature;
};

struct tr_ast_like {
	struct tr_span span;
	struct tr_ast_path table;
	uint32_t option_count;
	const struct tr_ast_like_option *options;
};

struct tr_ast_options {
	struct tr_span span; /* of WITH (...) */
	uint32_t count;
	const struct tr_ast_option *items; /* no key twice: the parser reports it */
};

struct tr_ast_create_table {
	bool is_temporary;
	bool is_replace; /* CREATE OR REPLACE TABLE, REPLACE TABLE */
	bool if_not_exists;
	struct tr_ast_path name;
	bool has_columns;      /* ( ... ) was written */
	uint32_t column_count; /* 0 .. TR_COLUMNS_MAX, in the order of the file; no name twice */
	const struct tr_ast_column *columns;
	uint32_t watermark_count;
	const struct tr_ast_watermark *watermarks;
	uint32_t key_count;
	const struct tr_ast_key *keys;                  /* at the table; those at columns are marked there */
	const struct tr_ast_string *comment;            /* or NULL */
	const struct tr_ast_distribution *distribution; /* or NULL */
	struct tr_ast_names partitioned_by;
	struct tr_ast_options with;     /* count 0 when there is none */
	const struct tr_ast_like *like; /* or NULL */
	struct tr_ast_query *query;     /* AS SELECT ...; or NULL */
};

/* ---------------------------------------------------------------- other statements */

struct tr_ast_create_view {
	bool is_temporary;
	bool is_replace;
	bool if_not_exists;
	struct tr_ast_path name;
	struct tr_ast_names columns;
	const struct tr_ast_string *comment;
	struct tr_ast_query *query;
	struct tr_span query_span; /* the text to keep in the catalog */
};

enum tr_ast_resource_kind { TR_AST_RESOURCE_JAR, TR_AST_RESOURCE_ARTIFACT, TR_AST_RESOURCE_LIBRARY };

/** USING JAR 'file' */
struct tr_ast_resource {
	enum tr_ast_resource_kind kind;
	struct tr_ast_string path;
};

/** CREATE FUNCTION, ALTER FUNCTION */
struct tr_ast_create_function {
	bool is_alter;
	bool is_temporary;
	bool is_system;
	bool if_not_exists;
	bool if_exists; /* ALTER */
	struct tr_ast_path name;
	struct tr_ast_string class_name;    /* AS '...' */
	const struct tr_ast_name *language; /* or NULL */
	uint32_t resource_count;
	const struct tr_ast_resource *resources;
};

/** CREATE DATABASE, CREATE CATALOG */
struct tr_ast_create_namespace {
	bool is_catalog;
	bool if_not_exists;
	struct tr_ast_path name;
	const struct tr_ast_string *comment;
	struct tr_ast_options with;
};

enum tr_ast_object_kind {
	TR_AST_OBJECT_TABLE,
	TR_AST_OBJECT_VIEW,
	TR_AST_OBJECT_FUNCTION,
	TR_AST_OBJECT_DATABASE,
	TR_AST_OBJECT_CATALOG,
	TR_AST_OBJECT_MODEL,
	TR_AST_OBJECT_MATERIALIZED_TABLE,
	TR_AST_OBJECT_CONNECTION,
	TR_AST_OBJECT_MODULE,
	TR_AST_OBJECT_JOB
};

/** "TABLE", "MATERIALIZED TABLE", .. */
const char *tr_ast_object_text(enum tr_ast_object_kind object);

struct tr_ast_drop {
	enum tr_ast_object_kind object;
	bool is_temporary;
	bool is_system; /* DROP TEMPORARY SYSTEM FUNCTION */
	bool if_exists;
	bool is_cascade;
	struct tr_ast_path name;
};

/** SET 'k' = 'v', SET; RESET 'k', RESET. Without a key: list them all, or reset them all. */
struct tr_ast_set {
	bool has_key;
	struct tr_ast_option option; /* RESET: the value's text is NULL */
};

/** USE db, USE cat.db, USE CATALOG c, USE MODULES a, b */
struct tr_ast_use {
	bool is_catalog;
	bool is_modules;
	struct tr_ast_path name; /* unused for modules */
	struct tr_ast_names modules;
};

enum tr_ast_show_kind {
	TR_AST_SHOW_TABLES,
	TR_AST_SHOW_VIEWS,
	TR_AST_SHOW_FUNCTIONS,
	TR_AST_SHOW_USER_FUNCTIONS,
	TR_AST_SHOW_CATALOGS,
	TR_AST_SHOW_DATABASES,
	TR_AST_SHOW_COLUMNS,
	TR_AST_SHOW_PARTITIONS,
	TR_AST_SHOW_CREATE,
	TR_AST_SHOW_JARS,
	TR_AST_SHOW_JOBS,
	TR_AST_SHOW_MODULES,
	TR_AST_SHOW_FULL_MODULES,
	TR_AST_SHOW_CURRENT_CATALOG,
	TR_AST_SHOW_CURRENT_DATABASE,
	TR_AST_SHOW_MODELS,
	TR_AST_SHOW_PROCEDURES,
	TR_AST_SHOW_CONNECTIONS,
	TR_AST_SHOW_MATERIALIZED_TABLES
};

struct tr_ast_show {
	enum tr_ast_show_kind kind;
	enum tr_ast_object_kind object; /* SHOW CREATE TABLE */
	const struct tr_ast_path *from; /* SHOW COLUMNS FROM t, SHOW TABLES FROM db, SHOW CREATE TABLE t; or NULL */
	bool is_not_like;
	bool is_ilike;
	const struct tr_ast_string *like; /* LIKE 'pattern'; or NULL */
};

struct tr_ast_describe {
	enum tr_ast_object_kind object; /* TABLE when no word was given */
	bool is_extended;
	struct tr_ast_path name;         /* unused for JOB */
	const struct tr_ast_string *job; /* DESCRIBE JOB 'id' */
};

/** PARTITION (dt = '2026-01-01', hour) */
struct tr_ast_partition_value {
	struct tr_ast_name column;
	struct tr_ast_expr *value; /* NULL: dynamic */
};

enum tr_ast_conflict {
	TR_AST_CONFLICT_NONE,
	TR_AST_CONFLICT_NOTHING,
	TR_AST_CONFLICT_ERROR,
	TR_AST_CONFLICT_DEDUPLICATE
};

struct tr_ast_insert {
	bool is_overwrite;
	struct tr_ast_path table;
	struct tr_ast_hints hints;
	uint32_t partition_count;
	const struct tr_ast_partition_value *partitions;
	struct tr_ast_names columns; /* count 0: all */
	struct tr_ast_query *query;  /* SELECT, VALUES, ... */
	enum tr_ast_conflict conflict;
	struct tr_span conflict_span;
};

struct tr_ast_statement;

/** EXECUTE STATEMENT SET BEGIN ... END, and BEGIN STATEMENT SET; ... END: INSERTs only (checked by the parser). */
struct tr_ast_statement_set {
	uint32_t count;
	struct tr_ast_statement *const *statements;
};

enum tr_ast_explain_detail {
	TR_AST_EXPLAIN_ESTIMATED_COST = 1,
	TR_AST_EXPLAIN_CHANGELOG_MODE = 2,
	TR_AST_EXPLAIN_JSON_EXECUTION_PLAN = 4,
	TR_AST_EXPLAIN_PLAN_ADVICE = 8
};

struct tr_ast_explain {
	bool has_plan_for;
	uint32_t details;                   /* bits of enum tr_ast_explain_detail */
	struct tr_ast_statement *statement; /* QUERY, INSERT, STATEMENT_SET or CREATE TABLE AS */
};

/** A statement that is known by name only. */
struct tr_ast_other {
	const char *words; /* "ALTER TABLE", "STOP JOB", upper case */
	struct tr_span words_span;
	struct tr_ast_string text; /* the whole statement as written, without `;` */
};

enum tr_ast_statement_kind {
	TR_AST_STATEMENT_CREATE_TABLE,
	TR_AST_STATEMENT_CREATE_VIEW,
	TR_AST_STATEMENT_CREATE_FUNCTION,
	TR_AST_STATEMENT_CREATE_NAMESPACE,
	TR_AST_STATEMENT_DROP,
	TR_AST_STATEMENT_SET,
	TR_AST_STATEMENT_RESET,
	TR_AST_STATEMENT_USE,
	TR_AST_STATEMENT_SHOW,
	TR_AST_STATEMENT_DESCRIBE,
	TR_AST_STATEMENT_INSERT,
	TR_AST_STATEMENT_STATEMENT_SET,
	TR_AST_STATEMENT_EXPLAIN,
	TR_AST_STATEMENT_QUERY,
	TR_AST_STATEMENT_OTHER,
	TR_AST_STATEMENT_KIND_COUNT
};

struct tr_ast_statement {
	enum tr_ast_statement_kind kind;
	struct tr_span span;      /* without the `;` */
	struct tr_span word_span; /* the first words ("CREATE TABLE"): a caret under a whole statement helps nobody */
	union {
		struct tr_ast_create_table create_table;
		struct tr_ast_create_view create_view;
		struct tr_ast_create_function create_function;
		struct tr_ast_create_namespace create_namespace;
		struct tr_ast_drop drop;
		struct tr_ast_set set; /* SET and RESET */
		struct tr_ast_use use;
		struct tr_ast_show show;
		struct tr_ast_describe describe;
		struct tr_ast_insert insert;
		struct tr_ast_statement_set statement_set;
		struct tr_ast_explain explain;
		struct tr_ast_query *query;
		struct tr_ast_other other;
	};
};

struct tr_ast_script {
	const struct tr_script_text *text;
	uint32_t count;
	struct tr_ast_statement *const *statements; /* only those without syntax errors */
};

#endif
