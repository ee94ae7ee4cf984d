/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree, part two: queries.
 *
 * A query is a body (SELECT, VALUES, TABLE t, or two queries under UNION, INTERSECT, EXCEPT) with what may stand
 * around it: WITH in front, ORDER BY, OFFSET and LIMIT behind. Operands of a set operation are queries themselves,
 * so a parenthesised operand keeps its own ORDER BY. UNION and EXCEPT bind alike, to the left; INTERSECT binds
 * tighter. FROM is one table reference: `a, b` and joins are trees that lean left.
 */
#ifndef TR_SQL_AST_QUERY_H
#define TR_SQL_AST_QUERY_H

#include "sql/ast_expr.h"

#define TR_AST_TABLES_MAX 1000 /* table references of one statement */

/* ---------------------------------------------------------------- table references */

enum tr_ast_table_ref_kind {
	TR_AST_TABLE_NAME,     /* path */
	TR_AST_TABLE_SUBQUERY, /* query: (SELECT ..), (VALUES ..) */
	TR_AST_TABLE_FUNCTION, /* function: TABLE(f(..)), LATERAL TABLE(f(..)), f(..) */
	TR_AST_TABLE_UNNEST,   /* unnest */
	TR_AST_TABLE_JOIN,     /* join */
	TR_AST_TABLE_MATCH,    /* match: MATCH_RECOGNIZE, kept as text */
};

enum tr_ast_join_kind {
	TR_AST_JOIN_COMMA,
	TR_AST_JOIN_CROSS,
	TR_AST_JOIN_INNER,
	TR_AST_JOIN_LEFT,
	TR_AST_JOIN_RIGHT,
	TR_AST_JOIN_FULL,
	TR_AST_JOIN_LEFT_SEMI,
	TR_AST_JOIN_LEFT_ANTI
};

struct tr_ast_join {
	enum tr_ast_join_kind kind;
	bool is_natural;
	struct tr_span kind_span; /* of the words LEFT JOIN or the comma */
	struct tr_ast_table_ref *left;
	struct tr_ast_table_ref *right;
	struct tr_ast_expr *on;            /* or NULL */
	struct tr_ast_names using_columns; /* USING (a, b); count 0: none */
};

struct tr_ast_table_ref {
	enum tr_ast_table_ref_kind kind;
	struct tr_span span;
	uint16_t height;
	struct tr_ast_hints hints;          /* NAME: OPTIONS('k'='v') after the table */
	struct tr_ast_expr *system_time;    /* FOR SYSTEM_TIME AS OF e; or NULL */
	const struct tr_ast_string *sample; /* TABLESAMPLE as written, or NULL: parsed so that it can be refused */
	bool is_lateral;                    /* LATERAL was written */
	const struct tr_ast_name *alias;    /* or NULL */
	struct tr_ast_names column_aliases; /* AS t(a, b); count 0: none */
	union {
		struct tr_ast_path path;
		struct tr_ast_query *query;
		struct {
			struct tr_ast_expr *call; /* a TR_AST_EXPR_CALL; its args may be TABLE_ARG and DESCRIPTOR */
			bool is_wrapped;          /* TABLE(...) was written */
		} function;
		struct {
			struct tr_ast_exprs args;
			bool has_ordinality;
		} unnest;
		struct tr_ast_join join;
		struct {
			struct tr_ast_table_ref *input;
			struct tr_ast_string text; /* between the parentheses, as written */
		} match;
	};
};

/* ---------------------------------------------------------------- queries */

struct tr_ast_select_item {
	struct tr_ast_expr *expr;        /* TR_AST_EXPR_STAR for * and t.* */
	const struct tr_ast_name *alias; /* or NULL */
};

enum tr_ast_group_kind {
	TR_AST_GROUP_EXPR,          /* exprs: one */
	TR_AST_GROUP_EMPTY,         /* () */
	TR_AST_GROUP_SET,           /* exprs: (a, b) inside GROUPING SETS, ROLLUP, CUBE; or a ROW at the top */
	TR_AST_GROUP_ROLLUP,        /* children */
	TR_AST_GROUP_CUBE,          /* children */
	TR_AST_GROUP_GROUPING_SETS, /* children */
};

struct tr_ast_group {
	enum tr_ast_group_kind kind;
	struct tr_span span;
	struct tr_ast_exprs exprs;
	uint32_t child_count;
	struct tr_ast_group *const *children;
};

/** WINDOW name AS (definition) */
struct tr_ast_named_window {
	struct tr_ast_name name;
	struct tr_ast_window window;
};

struct tr_ast_select {
	struct tr_ast_hints hints;
	bool is_distinct;
	uint32_t item_count; /* 1 .. TR_COLUMNS_MAX */
	const struct tr_ast_select_item *items;
	struct tr_ast_table_ref *from; /* NULL: SELECT 1 */
	struct tr_ast_expr *where;     /* or NULL */
	bool has_group_by;
	bool is_group_distinct;    /* GROUP BY DISTINCT */
	struct tr_span group_span; /* of the words GROUP BY */
	uint32_t group_count;
	struct tr_ast_group *const *groups;
	struct tr_ast_expr *having; /* or NULL */
	uint32_t window_count;
	const struct tr_ast_named_window *windows;
	struct tr_ast_expr *qualify; /* or NULL */
};

enum tr_ast_set_op { TR_AST_SET_UNION, TR_AST_SET_INTERSECT, TR_AST_SET_EXCEPT };

struct tr_ast_set_operation {
	enum tr_ast_set_op op;
	bool is_all;
	struct tr_span op_span;
	struct tr_ast_query *left;
	struct tr_ast_query *right;
};

/** VALUES (1, 'a'), (2, 'b'). All rows have the width of the first one (checked by the parser). */
struct tr_ast_values {
	uint32_t row_count;
	uint32_t width;
	struct tr_ast_expr *const *cells; /* row by row */
	const struct tr_span *row_spans;
};

/** name [(columns)] AS (query) of WITH. */
struct tr_ast_cte {
	struct tr_ast_name name;
	struct tr_ast_names columns;
	struct tr_ast_query *query;
};

enum tr_ast_query_kind { TR_AST_QUERY_SELECT, TR_AST_QUERY_VALUES, TR_AST_QUERY_SET, TR_AST_QUERY_TABLE };

struct tr_ast_query {
	enum tr_ast_query_kind kind;
	struct tr_span span;
	uint16_t height;
	bool is_recursive; /* WITH RECURSIVE */
	uint32_t cte_count;
	const struct tr_ast_cte *ctes;
	union {
		struct tr_ast_select select;
		struct tr_ast_values values;
		struct tr_ast_set_operation set;
		struct tr_ast_path table; /* TABLE t */
	};
	struct tr_ast_order order_by;
	struct tr_ast_expr *offset; /* OFFSET n [ROWS]; or NULL */
	struct tr_ast_expr *limit;  /* LIMIT n, FETCH FIRST n ROWS ONLY; NULL: none, or LIMIT ALL */
};

#endif
