/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree, part one: names, types and expressions as they were written.
 *
 * Nodes live in one arena and never change after the parser made them. Each carries its span in the script's text;
 * an operator's span covers its operands, a call's span ends with its closing parenthesis or OVER clause. Texts are
 * UTF-8, NUL-terminated, decoded (quotes and escapes resolved). Nothing is resolved: a column `a.b.c` is a path of
 * three names, and whether `a` is a table, a column or a row is the binder's question.
 *
 * Shape: a struct per family (`tr_ast_expr`, `tr_ast_type`) with a kind and a union. Binary chains lean left, except
 * that AND and OR are flat: `a AND b AND c` is one node with three arguments. No tree is higher than
 * TR_AST_HEIGHT_MAX, so a recursive walk is safe. Special syntax becomes an ordinary call with the arguments in the
 * order below, units and flags being TR_AST_EXPR_SYMBOL:
 *
 *     EXTRACT(u FROM e)              EXTRACT(u, e)            FLOOR(e TO u), CEIL(e TO u)   FLOOR(e, u)
 *     TIMESTAMPADD(u, n, e)          TIMESTAMPADD(u, n, e)    TIMESTAMPDIFF(u, a, b)        TIMESTAMPDIFF(u, a, b)
 *     SUBSTRING(s FROM a FOR n)      SUBSTRING(s, a, n)       POSITION(a IN s)              POSITION(a, s)
 *     TRIM([BOTH] [c] FROM s), TRIM(s)  TRIM(BOTH, c, s)      OVERLAY(s PLACING r FROM a FOR n)  OVERLAY(s, r, a, n)
 *
 * (TRIM without a character gets the literal ' '.) Names of such calls, and of all functions whose name is a reserved
 * word, are upper case; other names are as written. CURRENT_DATE and its kin are calls without arguments and
 * is_niladic.
 */
#ifndef TR_SQL_AST_EXPR_H
#define TR_SQL_AST_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include "sql/script_text.h"
#include "tailrace/types.h"

#define TR_AST_NESTING_MAX 200 /* parentheses, CASE, NOT, nested types, subqueries ... */
#define TR_AST_HEIGHT_MAX 1000 /* of any tree; left-leaning chains count too */
#define TR_AST_EXPRS_MAX 10000 /* expression nodes of one statement; literals in VALUES rows do not count */
#define TR_AST_LIST_MAX 10000  /* elements of an IN list, arguments */

struct tr_ast_query;
struct tr_ast_expr;

/** An identifier. Case-sensitive; `text` is without quotes. */
struct tr_ast_name {
	const char *text;
	struct tr_span span;
};

/** catalog.database.table, table.column.field, function */
struct tr_ast_path {
	struct tr_span span;
	uint32_t count; /* >= 1 */
	const struct tr_ast_name *names;
};

/** 'text' with its place: option keys and values, comments. */
struct tr_ast_string {
	struct tr_span span;
	const char *text;
	uint32_t length;
};

/** 'key' = 'value', of WITH, OPTIONS hints, SET. */
struct tr_ast_option {
	struct tr_ast_string key;
	struct tr_ast_string value;
};

struct tr_ast_exprs {
	uint32_t count;
	struct tr_ast_expr *const *items;
};

/** NAME('k'='v', ...) or NAME(a, b) or NAME in a hint comment. Unknown hints are kept: Flink ignores them. */
struct tr_ast_hint {
	struct tr_span span;
	struct tr_ast_name name;
	uint32_t option_count;
	const struct tr_ast_option *options;
	uint32_t argument_count; /* names, numbers or strings without '=', as text */
	const struct tr_ast_string *arguments;
};

struct tr_ast_hints {
	uint32_t count;
	const struct tr_ast_hint *items;
};

/* ---------------------------------------------------------------- types */

/** What kind of type name it was. Below TR_TYPE_COUNT it is an enum tr_type_id. */
enum tr_ast_type_kind {
	TR_AST_TYPE_RAW = TR_TYPE_COUNT, /* RAW('class', 'snapshot') */
	TR_AST_TYPE_STRUCTURED,          /* STRUCTURED<'class', ...> */
	TR_AST_TYPE_VARIANT,
	TR_AST_TYPE_USER, /* a path: a user-defined type */
};

/** In the order of their size; the ranges YEAR..MONTH and DAY..SECOND may be the ends of an interval. */
enum tr_ast_time_unit {
	TR_AST_UNIT_NONE,
	TR_AST_UNIT_MILLENNIUM,
	TR_AST_UNIT_CENTURY,
	TR_AST_UNIT_DECADE,
	TR_AST_UNIT_YEAR,
	TR_AST_UNIT_QUARTER,
	TR_AST_UNIT_MONTH,
	TR_AST_UNIT_WEEK,
	TR_AST_UNIT_DAY,
	TR_AST_UNIT_HOUR,
	TR_AST_UNIT_MINUTE,
	TR_AST_UNIT_SECOND,
	TR_AST_UNIT_MILLISECOND,
	TR_AST_UNIT_MICROSECOND,
	TR_AST_UNIT_NANOSECOND,
	TR_AST_UNIT_EPOCH,
	TR_AST_UNIT_DOW,
	TR_AST_UNIT_ISODOW,
	TR_AST_UNIT_DOY,
	TR_AST_UNIT_ISOYEAR,
	TR_AST_UNIT_COUNT
};

/** A type as written: INT NOT NULL, ROW<a INT, b STRING>, INT ARRAY. sql/type_name.h makes a tr_type of it. */
struct tr_ast_type {
	struct tr_span span;
	uint32_t kind;     /* enum tr_type_id or enum tr_ast_type_kind */
	int32_t precision; /* or length; -1: not given. STRING and BYTES: TR_LENGTH_MAX */
	int32_t scale;     /* -1: not given */
	bool is_not_null;
	enum tr_ast_time_unit unit, end_unit; /* INTERVAL; end_unit NONE: a single unit */
	uint32_t child_count;
	struct tr_ast_type *const *children;
	const struct tr_ast_name *names;      /* ROW: field names */
	const struct tr_ast_string *comments; /* ROW: field comments; text NULL: none */
	const struct tr_ast_path *path;       /* USER */
};

/* ---------------------------------------------------------------- expressions */

enum tr_ast_expr_kind {
	TR_AST_EXPR_LITERAL,    /* literal */
	TR_AST_EXPR_COLUMN,     /* path: a, t.a, t.a.b.c */
	TR_AST_EXPR_STAR,       /* star: * or t.*; only as a whole select item, or COUNT(*) */
	TR_AST_EXPR_FIELD,      /* field: f(x).a, (r).a, a[1].b; a path where it can be is a COLUMN */
	TR_AST_EXPR_ITEM,       /* args[0] [ args[1] ] */
	TR_AST_EXPR_UNARY,      /* op, args[0] */
	TR_AST_EXPR_BINARY,     /* op, args[0], args[1] */
	TR_AST_EXPR_AND,        /* args: 2 or more */
	TR_AST_EXPR_OR,         /* args: 2 or more */
	TR_AST_EXPR_BETWEEN,    /* args[0] BETWEEN args[1] AND args[2]; is_negated, is_symmetric */
	TR_AST_EXPR_IN,         /* args[0] IN (args[1] ...) or query (then args has 1); is_negated */
	TR_AST_EXPR_QUANTIFIED, /* args[0] op {ANY|ALL} (args[1] ...) or query; is_all */
	TR_AST_EXPR_LIKE,       /* args[0] LIKE args[1] [ESCAPE args[2]]; is_negated, is_similar */
	TR_AST_EXPR_CASE,       /* case_ */
	TR_AST_EXPR_CAST,       /* cast, args[0] */
	TR_AST_EXPR_SPAN,       /* (args[0] - args[1]) unit: interval, without precisions */
	TR_AST_EXPR_CALL,       /* call, args */
	TR_AST_EXPR_ROW,        /* args: ROW(a, b) or (a, b); is_explicit */
	TR_AST_EXPR_ARRAY,      /* args: ARRAY[a, b]; or query: ARRAY(SELECT ..) */
	TR_AST_EXPR_MAP,        /* args: MAP[k, v, k, v], an even number; or query */
	TR_AST_EXPR_MULTISET,   /* args; or query */
	TR_AST_EXPR_EXISTS,     /* query */
	TR_AST_EXPR_SUBQUERY,   /* query: a scalar subquery */
	TR_AST_EXPR_SYMBOL,     /* symbol: a keyword as an argument: DAY, BOTH */
	TR_AST_EXPR_TABLE_ARG,  /* table_arg: TABLE t PARTITION BY k, TABLE(SELECT ..); only as an argument */
	TR_AST_EXPR_DESCRIPTOR, /* descriptor: DESCRIPTOR(a, b); only as an argument */
	TR_AST_EXPR_DEFAULT,    /* DEFAULT; only as an argument or in VALUES */
	TR_AST_EXPR_PARAMETER,  /* ?; parses so that the binder can refuse it in its words */
	TR_AST_EXPR_KIND_COUNT
};

enum tr_ast_literal_kind {
	TR_AST_LITERAL_NULL,
	TR_AST_LITERAL_UNKNOWN, /* a NULL that is BOOLEAN */
	TR_AST_LITERAL_BOOLEAN,
	TR_AST_LITERAL_INTEGER, /* text: digits only */
	TR_AST_LITERAL_DECIMAL, /* text: digits with a point, exact */
	TR_AST_LITERAL_APPROX,  /* text: with an exponent: DOUBLE */
	TR_AST_LITERAL_STRING,
	TR_AST_LITERAL_BINARY, /* text: the bytes, length may contain NULs */
	TR_AST_LITERAL_DATE,   /* DATE '...': text between the quotes, not checked */
	TR_AST_LITERAL_TIME,
	TR_AST_LITERAL_TIMESTAMP,
	TR_AST_LITERAL_TIMESTAMP_LTZ, /* TIMESTAMP WITH LOCAL TIME ZONE '...' */
	TR_AST_LITERAL_INTERVAL,
};

/** INTERVAL [-]'text' unit[(precision)] [TO end[(fraction_precision)]]. sql/interval.h has its value. */
struct tr_ast_interval {
	enum tr_ast_time_unit unit;     /* WEEK and QUARTER too, as in Flink */
	enum tr_ast_time_unit end_unit; /* TR_AST_UNIT_NONE: a single unit */
	int32_t precision;              /* -1: not given */
	int32_t fraction_precision;     /* -1: not given */
	bool is_negative;               /* a sign before the string */
};

struct tr_ast_literal {
	enum tr_ast_literal_kind kind;
	bool boolean;
	const char *text; /* NULL for NULL, UNKNOWN and BOOLEAN */
	uint32_t length;
	struct tr_ast_interval interval; /* INTERVAL */
};

enum tr_ast_op {
	TR_AST_OP_NONE,
	/* unary */
	TR_AST_OP_NOT,
	TR_AST_OP_NEGATE,
	TR_AST_OP_PLUS,
	TR_AST_OP_IS_NULL,
	TR_AST_OP_IS_NOT_NULL,
	TR_AST_OP_IS_TRUE,
	TR_AST_OP_IS_NOT_TRUE,
	TR_AST_OP_IS_FALSE,
	TR_AST_OP_IS_NOT_FALSE,
	TR_AST_OP_IS_UNKNOWN,
	TR_AST_OP_IS_NOT_UNKNOWN,
	TR_AST_OP_IS_JSON,
	TR_AST_OP_IS_NOT_JSON,
	TR_AST_OP_IS_JSON_VALUE,
	TR_AST_OP_IS_NOT_JSON_VALUE,
	TR_AST_OP_IS_JSON_SCALAR,
	TR_AST_OP_IS_NOT_JSON_SCALAR,
	TR_AST_OP_IS_JSON_ARRAY,
	TR_AST_OP_IS_NOT_JSON_ARRAY,
	TR_AST_OP_IS_JSON_OBJECT,
	TR_AST_OP_IS_NOT_JSON_OBJECT,
	/* binary */
	TR_AST_OP_EQUAL,
	TR_AST_OP_NOT_EQUAL,
	TR_AST_OP_LESS,
	TR_AST_OP_LESS_EQUAL,
	TR_AST_OP_GREATER,
	TR_AST_OP_GREATER_EQUAL,
	TR_AST_OP_IS_DISTINCT,
	TR_AST_OP_IS_NOT_DISTINCT,
	TR_AST_OP_ADD,
	TR_AST_OP_SUBTRACT,
	TR_AST_OP_MULTIPLY,
	TR_AST_OP_DIVIDE,
	TR_AST_OP_MODULO,
	TR_AST_OP_CONCAT,
	TR_AST_OP_OVERLAPS,
	TR_AST_OP_COUNT
};

struct tr_ast_when {
	struct tr_ast_expr *condition; /* of a simple CASE: the value to compare with */
	struct tr_ast_expr *result;
};

struct tr_ast_case {
	struct tr_ast_expr *operand; /* CASE operand WHEN ..; NULL: searched CASE */
	uint32_t when_count;
	const struct tr_ast_when *whens;
	struct tr_ast_expr *otherwise; /* ELSE; NULL: not given */
};

struct tr_ast_order_item {
	struct tr_ast_expr *expr;
	bool is_descending;
	bool has_nulls_order; /* NULLS FIRST / NULLS LAST was written */
	bool is_nulls_first;
};

struct tr_ast_order {
	uint32_t count; /* 0: no ORDER BY */
	const struct tr_ast_order_item *items;
};

enum tr_ast_frame_bound_kind {
	TR_AST_BOUND_UNBOUNDED_PRECEDING,
	TR_AST_BOUND_PRECEDING,
	TR_AST_BOUND_CURRENT_ROW,
	TR_AST_BOUND_FOLLOWING,
	TR_AST_BOUND_UNBOUNDED_FOLLOWING
};

struct tr_ast_frame_bound {
	enum tr_ast_frame_bound_kind kind;
	struct tr_ast_expr *offset; /* of PRECEDING and FOLLOWING */
};

/** OVER (...), OVER name, or a definition in a WINDOW clause. */
struct tr_ast_window {
	struct tr_span span;
	const struct tr_ast_name *base; /* OVER w, or OVER (w ...): the named window; else NULL */
	bool is_name_only;              /* OVER w, without parentheses */
	struct tr_ast_exprs partition_by;
	struct tr_ast_order order_by;
	bool has_frame;
	bool is_rows;     /* ROWS; else RANGE */
	bool has_between; /* else the end is CURRENT ROW by default */
	struct tr_ast_frame_bound start;
	struct tr_ast_frame_bound end;
};

enum tr_ast_null_treatment { TR_AST_NULLS_DEFAULT, TR_AST_NULLS_IGNORE, TR_AST_NULLS_RESPECT };

/** What a JSON function answers when .. ON EMPTY, .. ON ERROR. */
enum tr_ast_json_behaviour {
	TR_AST_JSON_UNSAID,
	TR_AST_JSON_NULL,
	TR_AST_JSON_ERROR,
	TR_AST_JSON_DEFAULT,
	TR_AST_JSON_EMPTY_ARRAY,
	TR_AST_JSON_EMPTY_OBJECT,
	TR_AST_JSON_TRUE,
	TR_AST_JSON_FALSE,
	TR_AST_JSON_UNKNOWN,
};

enum tr_ast_json_wrapper { TR_AST_JSON_WITHOUT, TR_AST_JSON_CONDITIONAL, TR_AST_JSON_UNCONDITIONAL };
enum tr_ast_json_null { TR_AST_JSON_ON_NULL_UNSAID, TR_AST_JSON_NULL_ON_NULL, TR_AST_JSON_ABSENT_ON_NULL };

/** The words behind the arguments of a JSON function. */
struct tr_ast_json {
	struct tr_ast_string text;           /* as written */
	const struct tr_ast_type *returning; /* or NULL */
	enum tr_ast_json_behaviour on_empty, on_error;
	struct tr_ast_expr *default_on_empty, *default_on_error; /* of TR_AST_JSON_DEFAULT */
	bool has_wrapper;                                        /* something is said of it */
	enum tr_ast_json_wrapper wrapper;
	enum tr_ast_json_null on_null;
};

/** The function of a TR_AST_EXPR_CALL; its arguments are the expression's args. */
struct tr_ast_call {
	struct tr_ast_path name;
	const struct tr_ast_name *const *argument_names; /* NULL: all positional; else one per argument, NULL: positional */
	bool has_quoted_name;                            /* `extract`(..): an ordinary call, no syntax of its own */
	bool is_niladic;                                 /* CURRENT_TIMESTAMP: written without parentheses */
	bool is_distinct;
	bool is_all;                      /* COUNT(ALL x): as without */
	struct tr_ast_order order_by;     /* inside the parentheses: ARRAY_AGG(x ORDER BY y) */
	struct tr_ast_order within_group; /* WITHIN GROUP (ORDER BY y) */
	struct tr_ast_expr *filter;       /* FILTER (WHERE ..), or NULL */
	const struct tr_ast_window *over; /* or NULL */
	enum tr_ast_null_treatment null_treatment;
	const struct tr_ast_json *json; /* "NULL ON EMPTY ..." of a JSON function; or NULL */
};

struct tr_ast_table_arg {
	const struct tr_ast_path *table; /* TABLE t; or NULL */
	struct tr_ast_query *query;      /* TABLE (SELECT ..); or NULL */
	bool has_partition_by;
	struct tr_ast_exprs partition_by;
	struct tr_ast_order order_by;
};

struct tr_ast_names {
	uint32_t count;
	const struct tr_ast_name *items;
};

struct tr_ast_expr {
	enum tr_ast_expr_kind kind;
	struct tr_span span;
	uint16_t height;        /* 1 for a leaf; <= TR_AST_HEIGHT_MAX */
	enum tr_ast_op op;      /* UNARY, BINARY, QUANTIFIED */
	bool is_negated;        /* BETWEEN, IN, LIKE */
	bool is_symmetric;      /* BETWEEN */
	bool is_similar;        /* LIKE: SIMILAR TO */
	bool is_all;            /* QUANTIFIED: ALL; else ANY (SOME) */
	bool is_explicit;       /* ROW: with the word */
	struct tr_span op_span; /* of the operator's own words, for carets: UNARY, BINARY, and the predicates */
	struct tr_ast_exprs args;
	union {
		struct tr_ast_literal literal;
		struct tr_ast_path path; /* COLUMN */
		struct {
			const struct tr_ast_path *qualifier;
		} star; /* NULL: * */
		struct {
			struct tr_ast_expr *base;
			struct tr_ast_name name;
		} field;
		struct tr_ast_case case_;
		struct {
			const struct tr_ast_type *type;
			bool is_try;
		} cast;
		struct tr_ast_interval interval; /* SPAN */
		struct tr_ast_call *call;
		struct tr_ast_query *query; /* IN, QUANTIFIED, ARRAY, MAP, MULTISET (or NULL); EXISTS, SUBQUERY */
		struct {
			const char *name;
			enum tr_ast_time_unit unit;
		} symbol; /* upper case; unit NONE: not a time unit */
		struct tr_ast_table_arg table_arg;
		struct tr_ast_names descriptor;
	};
};

/** The keyword of a unit ("DAY"), and its unit, any case; TR_AST_UNIT_NONE when there is none. */
const char *tr_ast_time_unit_name(enum tr_ast_time_unit unit);
enum tr_ast_time_unit tr_ast_time_unit_of(const char *text, uint32_t length);

/** How an operator is written: "+", "IS NOT NULL". */
const char *tr_ast_op_text(enum tr_ast_op op);

#endif
