/* SPDX-License-Identifier: Apache-2.0
 *
 * Binder: tree to plan nodes. Names become columns, texts become typed values, windows become specifications.
 *
 *     bind_expr.c    expressions, literals, casts           bind_call.c    calls, CASE, IN and other special forms
 *     bind_nested.c  arrays, maps, rows                     bind_json.c    JSON_VALUE and the like
 *     bind_query.c   WHERE, SELECT, WITH                    bind_from.c    tables, views, subqueries
 *     bind_union.c   VALUES, UNION ALL                      bind_window.c  TUMBLE, HOP, CUMULATE, SESSION
 *     bind_group.c   GROUP BY                               bind_table.c   CREATE TABLE
 *     bind_aggregate.c  calls of aggregates                 bind_order.c   ORDER BY, OFFSET, LIMIT
 *     bind_sets.c    GROUPING SETS, ROLLUP, CUBE            bind_like.c    CREATE TABLE LIKE, AS
 *     bind_over.c    ROW_NUMBER() OVER, QUALIFY             bind_unnest.c  UNNEST
 *     bind_interval.c   intervals of other expressions
 *     bind_group_window.c   GROUP BY TUMBLE(ts, size), HOP, SESSION
 *
 * A bound query is a relation: a plan node and what is known of its columns beyond their types (which is a time
 * attribute, who may name it how). The nodes made here are naive: one per clause, no exchanges, every column carried
 * along; sql/optimize.c prunes and merges, sql/parallelize.c adds the exchanges.
 *
 * A window table function makes no node at first: it marks its relation with the window, whose three columns exist in
 * name only (their numbers follow those of the node) until GROUP BY window_start, window_end makes an aggregation of it.
 * Where that does not come, or where something reads the three columns before, tr_bind_window_table makes a node that
 * computes them. From then on, as after an aggregation, the windows are attached to the rows: window_start and window_end
 * are columns with a role, and GROUP BY of both aggregates each window when event time has passed its end.
 *
 * Errors go to the diagnostics list and the function answers NULL; callers go on where that makes sense, so that a user
 * sees all errors of a script at once.
 */
#ifndef TR_SQL_BIND_H
#define TR_SQL_BIND_H

#include "base/config.h"
#include "core/ops/func.h"
#include "core/ops/func_user.h"
#include "core/plan.h"
#include "sql/ast.h"
#include "sql/catalog.h"
#include "sql/diag.h"

/* Codes of the binder and the planner. */
#define TR_E_NO_TABLE "E0201"    /* unknown table or view */
#define TR_E_NO_COLUMN "E0202"   /* unknown column or field */
#define TR_E_AMBIGUOUS "E0203"   /* a name that fits several columns */
#define TR_E_NO_FUNCTION "E0204" /* unknown function, or no overload for these types */
#define TR_E_EXISTS "E0205"      /* a table or view of that name is there already */
#define TR_E_LIBRARY "E0206"     /* a function that its library does not give */
#define TR_E_TYPE "E0301"        /* operand or column of the wrong type */
#define TR_E_VALUE "E0302"       /* malformed literal or argument */
#define TR_E_GROUPING "E0303"    /* neither grouped nor aggregated; aggregate where none may be */
#define TR_E_SINK "E0304"        /* result does not fit the sink */
#define TR_E_OPTION "E0401"      /* WITH: unknown, missing or malformed option */
#define TR_E_TABLE "E0402"       /* CREATE TABLE that makes no sense */
#define TR_E_SETTING "E0403"     /* SET: unknown key or bad value */
#define TR_E_PLAN "E0500"        /* can't be made a job */
#define TR_E_TIME "E0501"        /* no time attribute where one is needed */
#define TR_E_WINDOW "E0502"      /* a window that makes no sense */
#define TR_E_UNBOUNDED "E0503"   /* a statement after one that never ends */
#define TR_E_BATCH "E0504"       /* a table that never ends, in batch mode */
#define TR_W_NO_EFFECT "W0403"   /* SET: a key that means nothing here */

#define TR_VIEW_DEPTH_MAX 50
#define TR_QUERIES_MAX 4000       /* of a statement, views and WITH queries as often as they are read */
#define TR_COLUMN_NODES_MAX 10000 /* of a computed column, others that it names put in their places */

enum tr_column_role {
	TR_ROLE_NONE,
	TR_ROLE_ROWTIME,
	TR_ROLE_PROCTIME,
	TR_ROLE_FORMER_TIME,    /* was one of event time before a window was attached to the row */
	TR_ROLE_ATTACHED_START, /* the three columns of the row's window, in event time */
	TR_ROLE_ATTACHED_END,
	TR_ROLE_ATTACHED_TIME, /* a time attribute, too */
	TR_ROLE_WINDOW_START,  /* the three columns of a window that has not been aggregated yet */
	TR_ROLE_WINDOW_END,
	TR_ROLE_WINDOW_TIME,
};

struct tr_bound_column {
	const char *qualifier; /* table or alias that may stand before the name, or NULL */
	const char *name;
	const struct tr_type *type;
	enum tr_column_role role;
	uint32_t index; /* column of the node; window columns: node's count + 0, 1, 2 */
};

struct tr_relation {
	const struct tr_node *node;
	uint32_t column_count;
	struct tr_bound_column *columns;
	bool is_bounded;
	bool has_local_windows;       /* of attached windows: their times are those of the session's zone */
	bool has_window;              /* a window table function not aggregated yet */
	bool has_group_window;        /* of GROUP BY TUMBLE(ts, size): its columns have no names, only functions */
	struct tr_window_spec window; /* its time_column counts in the node's columns */
	uint32_t partition_count;     /* SESSION's PARTITION BY: columns of the node */
	const uint32_t *partitions;
	/* SESSION with WHERE: what is aggregated are the sessions of the rows that are left, as in Flink; but sessions that are read
	 * first are those of all rows, before the condition. */
	const struct tr_relation *before_where; /* NULL: no WHERE */
	const struct tr_expr *where;            /* over the columns of either node */
};

/** WITH queries that are visible, innermost first. */
struct tr_cte_scope {
	const struct tr_ast_cte *cte;
	const struct tr_cte_scope *outer; /* what the cte itself may see, too */
};

struct tr_binder {
	struct tr_arena *arena;
	struct tr_diags *diags;
	struct tr_catalog *catalog;
	const struct tr_config *config;
	const char *time_zone;
	char *job_id;  /* written to when a job is resumed: core/plan.h */
	bool is_batch; /* all input ends, and a query answers once: no watermarks, no changelogs */
	uint32_t view_depth;
	uint32_t place_count; /* where WINDOW_RANK nodes were written, by the number that they have */
	struct tr_span *places;
	uint32_t query_count; /* bound for the statement: a view counts as often as it is read */
	uint32_t query_depth; /* of queries inside of each other; 1: the statement's own */
	uint32_t lazy_depth;  /* inside of what is not evaluated for all rows: a branch of CASE, a term of AND */
};

/** Aggregates of one SELECT as they are met. */
struct tr_aggregation {
	const struct tr_relation *input;
	uint32_t key_count;
	const struct tr_expr **keys; /* over the input */
	uint32_t agg_count;
	struct tr_agg_call *aggs; /* arg_column and filter_column count in `projected` */
	uint32_t projected_count; /* keys first, then arguments and filters */
	const struct tr_expr **projected;
	/* GROUPING SETS: of each set the keys that it has (bit i: key i), and how many sets before it have the same ones. Behind
	 * the keys then comes the column that tells the sets apart. Not more than one set: there is no such column. */
	uint32_t set_count;
	uint64_t *sets;
	uint32_t *set_copies;
	bool is_attached; /* by the windows attached to the rows */
	bool is_whole;    /* batch: by no window */
	bool needs_table; /* something reads a window column that exists in name only; nothing was reported */
	const struct tr_relation *output; /* set when all aggregates are known to fit; columns by number only */
};

#define TR_OVERS_MAX 16

/** A call with OVER, bound. */
struct tr_over {
	const struct tr_ast_expr *ast;
	const struct tr_expr **exprs; /* of PARTITION BY, then of ORDER BY */
	uint32_t partition_count;
	uint32_t order_count;
	struct tr_order_key *keys; /* of ORDER BY; their columns come with the node */
};

/** The calls with OVER of one SELECT as they are met; call i is the column base + i. */
struct tr_overs {
	const struct tr_ast_select *select;
	uint32_t base;
	uint32_t count;
	struct tr_over items[TR_OVERS_MAX];
};

/** What a SELECT lists, and what its ORDER BY adds to that. */
struct tr_select_list {
	const struct tr_expr **exprs;
	const char **names;
	uint32_t count;
	uint32_t visible;          /* the first ones are the answer's columns, the others are only sorted by */
	struct tr_order_key *keys; /* one per item of ORDER BY; columns count in the list */
};

/** Where an expression stands. */
struct tr_expr_scope {
	const struct tr_relation *relation;   /* NULL: no columns may be named */
	const struct tr_select_list *aliases; /* ORDER BY: names that go before all columns; or NULL */
	struct tr_aggregation *aggregation;   /* after GROUP BY: columns count in the aggregation's output */
	const char *clause;                   /* "WHERE", for messages */
	struct tr_overs *overs;               /* where OVER may stand; else NULL */
	bool allows_aggregates;               /* SELECT list and HAVING */
};

#define TR_BIND_COLUMNS_MAX TR_COLUMNS_MAX
#define TR_BIND_AGGREGATES_MAX 256

/* bind_expr.c */
const struct tr_expr *tr_bind_expr(struct tr_binder *binder, const struct tr_expr_scope *scope,
				   const struct tr_ast_expr *ast);
/** A BOOLEAN; reports anything else. */
const struct tr_expr *tr_bind_condition(struct tr_binder *binder, const struct tr_expr_scope *scope,
					const struct tr_ast_expr *ast);
/** `expr` as `type`, which is the common type of `expr` and others. */
const struct tr_expr *tr_bind_common(struct tr_binder *binder, const struct tr_expr *expr, const struct tr_type *type,
				     struct tr_span span);
/** `expr` as `type`, by an implicit cast if Flink allows one; NULL: reported at `span`. */
const struct tr_expr *tr_bind_coerce(struct tr_binder *binder, const struct tr_expr *expr, const struct tr_type *type,
				     struct tr_span span);
/** A call of a SCALAR or TABLE function of a user; NULL: reported at `span`. */
const struct tr_expr *tr_bind_user_function(struct tr_binder *binder, const struct tr_func_user *user,
					    const struct tr_expr *const *args, uint32_t arg_count, struct tr_span span);
/** A call of a function of the table with arguments already bound; NULL: reported at `span`. */
const struct tr_expr *tr_bind_function(struct tr_binder *binder, const char *name, const struct tr_expr *const *args,
				       uint32_t arg_count, struct tr_span span);
/** The field of a ROW. */
const struct tr_expr *tr_bind_field(struct tr_binder *binder, const struct tr_expr *base,
				    const struct tr_ast_name *name);
/** A copy of `expr` that remembers where it was written. NULL: it can't be executed; reported at `span`. */
const struct tr_expr *tr_bind_placed(struct tr_binder *binder, const struct tr_expr *expr, struct tr_span span);

/* bind_interval.c */
/** (a - b) unit. */
const struct tr_expr *tr_bind_span(struct tr_binder *binder, const struct tr_expr_scope *scope,
				   const struct tr_ast_expr *ast);
/** CAST(number AS INTERVAL unit). */
const struct tr_expr *tr_bind_interval_cast(struct tr_binder *binder, const struct tr_expr *number,
					    const struct tr_ast_expr *cast);

/* bind_call.c */
/** The arguments of a call; false: reported. */
bool tr_bind_arguments(struct tr_binder *binder, const struct tr_expr_scope *scope, const struct tr_ast_expr *ast,
		       const struct tr_expr **out);
const struct tr_expr *tr_bind_call(struct tr_binder *binder, const struct tr_expr_scope *scope,
				   const struct tr_ast_expr *ast);
const struct tr_expr *tr_bind_case(struct tr_binder *binder, const struct tr_expr_scope *scope,
				   const struct tr_ast_expr *ast);
const struct tr_expr *tr_bind_predicate(struct tr_binder *binder, const struct tr_expr_scope *scope,
					const struct tr_ast_expr *ast);
const struct tr_expr *tr_bind_literal(struct tr_binder *binder, const struct tr_ast_expr *ast);
/** (a, b) OVERLAPS (c, d). */
const struct tr_expr *tr_bind_overlaps(struct tr_binder *binder, const struct tr_expr_scope *scope,
				       const struct tr_ast_expr *ast);

/* bind_nested.c */
/** ARRAY[..], MAP[..], a[i], m[k], r[i]. */
const struct tr_expr *tr_bind_nested(struct tr_binder *binder, const struct tr_expr_scope *scope,
				     const struct tr_ast_expr *ast);
/** a = b, a <> b, a IS [NOT] DISTINCT FROM b; of two row constructors field by field. */
const struct tr_expr *tr_bind_equality(struct tr_binder *binder, enum tr_ast_op op, const struct tr_expr *a,
				       const struct tr_expr *b, struct tr_span span);
/** args[0] IN (args[1], ...). */
const struct tr_expr *tr_bind_in(struct tr_binder *binder, const struct tr_expr *const *args, uint32_t count,
				 struct tr_span span);

/* bind_json.c */
/** Whether calls of the function are bound here. */
bool tr_bind_is_json(const char *name);
/** A value as JSON: JSON_STRING of it, unless it is JSON already (JSON_OBJECT, JSON_ARRAY, JSON). */
const struct tr_expr *tr_bind_json_text(struct tr_binder *binder, const struct tr_expr_scope *scope,
					const struct tr_ast_expr *ast);
const struct tr_expr *tr_bind_json(struct tr_binder *binder, const struct tr_expr_scope *scope,
				   const struct tr_ast_expr *ast);

/* bind_query.c */
const struct tr_relation *tr_bind_query(struct tr_binder *binder, const struct tr_ast_query *query,
					const struct tr_cte_scope *ctes);
/** A relation over `node` with room for the columns, which the caller fills in. */
struct tr_relation *tr_bind_relation_new(struct tr_binder *binder, const struct tr_node *node, uint32_t column_count);
/** One row of no columns: SELECT without FROM. */
const struct tr_relation *tr_bind_one_row(struct tr_binder *binder);
/** The schema of expressions under names; the names' texts are not copied. */
struct tr_schema *tr_bind_schema_new(struct tr_binder *binder, uint32_t count, const struct tr_expr *const *exprs,
				     const char *const *names);
/** A PROJECT over `relation` with the given expressions, names and roles. */
struct tr_relation *tr_bind_project(struct tr_binder *binder, const struct tr_relation *relation, uint32_t count,
				    const struct tr_expr *const *exprs, const char *const *names);
/** The relation with the rows of which `condition` holds. */
const struct tr_relation *tr_bind_filter(struct tr_binder *binder, const struct tr_relation *relation,
					 const struct tr_expr *condition);
/** What a SELECT item is called: its alias, its column, or EXPR$index as in Flink. */
const char *tr_bind_item_name(struct tr_binder *binder, const struct tr_ast_select_item *item, uint32_t index);
/** The role of an expression's result: that of a column passed on, PROCTIME for PROCTIME(). */
enum tr_column_role tr_bind_role(const struct tr_relation *relation, const struct tr_expr *expr);
/** Whether an expression reads one of the columns of a window that is not aggregated yet. */
bool tr_bind_reads_window(const struct tr_relation *relation, const struct tr_expr *expr);

/* bind_from.c */
const struct tr_relation *tr_bind_table_ref(struct tr_binder *binder, const struct tr_ast_table_ref *ref,
					    const struct tr_cte_scope *ctes);
const struct tr_relation *tr_bind_named_table(struct tr_binder *binder, const struct tr_ast_path *path,
					      const struct tr_ast_hints *hints, const struct tr_cte_scope *ctes);

/* bind_unnest.c */
/** Whether the reference is a call of a user's table function. */
bool tr_bind_is_table_function(const struct tr_binder *binder, const struct tr_ast_table_ref *ref);
/** FROM UNNEST(..), FROM TABLE(f(..)): `left` has no columns. */
const struct tr_relation *tr_bind_unnest(struct tr_binder *binder, const struct tr_relation *left,
					 const struct tr_ast_table_ref *ref);
/** t, UNNEST(..); t CROSS, INNER or LEFT JOIN UNNEST(..), or LATERAL TABLE(f(..)). */
const struct tr_relation *tr_bind_unnest_join(struct tr_binder *binder, const struct tr_ast_table_ref *ref,
					      const struct tr_cte_scope *ctes);

/* bind_union.c */
const struct tr_relation *tr_bind_values(struct tr_binder *binder, const struct tr_ast_query *query);
/** UNION ALL; other set operations are refused. */
const struct tr_relation *tr_bind_union(struct tr_binder *binder, const struct tr_ast_query *query,
					const struct tr_cte_scope *ctes);

/* bind_order.c */
/** Binds the items of ORDER BY over the scope of the list, which gets its keys and what more there is to sort by. False:
 * reported. */
bool tr_bind_order_items(struct tr_binder *binder, const struct tr_expr_scope *outer, const struct tr_ast_order *order,
			 struct tr_select_list *list);
/** The same for a query that is no SELECT: the relation with the columns that its ORDER BY needs. NULL: reported. */
const struct tr_relation *tr_bind_ordered_columns(struct tr_binder *binder, const struct tr_relation *relation,
						  const struct tr_ast_query *query, struct tr_select_list *list);
/** The relation, whose columns are the list, sorted and limited as the query says. NULL: reported. */
const struct tr_relation *tr_bind_sorted(struct tr_binder *binder, const struct tr_relation *relation,
					 const struct tr_ast_query *query, const struct tr_select_list *list);

/* bind_window.c */
const struct tr_relation *tr_bind_window_function(struct tr_binder *binder, const struct tr_ast_table_ref *ref,
						  const struct tr_cte_scope *ctes);
/** Their names, for suggestions. */
extern const char *const tr_window_function_names[];
extern const uint32_t tr_window_function_count;
/** The relation with a node that computes its window's columns, one row per window. NULL: reported at `span`; SESSION has none in
 * processing time, nor in batch mode. */
const struct tr_relation *tr_bind_window_table(struct tr_binder *binder, const struct tr_relation *relation,
					       struct tr_span span);
/** The relation's columns in their order, as columns of a node also where it has a window. NULL: reported. */
const struct tr_relation *tr_bind_window_columns(struct tr_binder *binder, const struct tr_relation *relation,
						 struct tr_span span);
/** Sets the window's kind of time and column from an expression over `input`, which must be a time attribute; `name` is what
 * it was called. False: reported at `span`. */
bool tr_bind_window_time(struct tr_binder *binder, const struct tr_relation *input, const struct tr_expr *expr,
			 const char *name, struct tr_span span, struct tr_window_spec *window);
/** A constant interval of days to seconds, greater than 0 unless it is an offset. False: reported. */
bool tr_bind_window_length(struct tr_binder *binder, const struct tr_ast_expr *arg, const char *what, bool is_offset,
			   int64_t *out);
/** Whether the size is a multiple of the slide or step; false: reported. HOP needs it only where it is aggregated. */
bool tr_bind_window_check(struct tr_binder *binder, const struct tr_window_spec *window, struct tr_span span);
/** Whether a call names a window table function. */
bool tr_bind_is_window_function(const struct tr_ast_expr *call);

/** window_start, window_end, window_time, and their types: TIMESTAMP(3), the last one LTZ for local time. */
extern const char *const tr_window_column_names[3];
const struct tr_type *tr_bind_window_column_type(struct tr_binder *binder, const struct tr_window_spec *window,
						 uint32_t which);

/* bind_session.c */
/** A node with the rows of a relation that has a SESSION window, each with the columns of its session, when that has ended. NULL:
 * reported. */
const struct tr_node *tr_bind_session_rows(struct tr_binder *binder, const struct tr_relation *relation,
					   const struct tr_schema *schema, struct tr_span span);

/* bind_group_window.c */
/** The relation with the window of GROUP BY TUMBLE(ts, size), if there is one among the groups; else `input` itself. NULL:
 * reported. */
const struct tr_relation *tr_bind_group_window(struct tr_binder *binder, const struct tr_ast_select *select,
					       const struct tr_relation *input);
/** Whether a call is TUMBLE(..), HOP(..) or SESSION(..), which stand in GROUP BY only. */
bool tr_bind_is_group_window(const struct tr_ast_expr *ast);
/** Whether a call is TUMBLE_START(..) or the like. */
bool tr_bind_is_window_property(const struct tr_ast_expr *ast);
/** What TUMBLE_START(..) and the like stand for, over the aggregation's output. NULL: reported. */
const struct tr_expr *tr_bind_window_property(struct tr_binder *binder, const struct tr_aggregation *aggregation,
					      const struct tr_ast_expr *ast);

/* bind_over.c */
/** Whether an expression has OVER in it, and whether a SELECT needs tr_bind_overs. */
bool tr_bind_has_over(const struct tr_ast_expr *ast);
bool tr_bind_select_has_over(const struct tr_ast_select *select);
/** A call with OVER, as the column that it will be. */
const struct tr_expr *tr_bind_over(struct tr_binder *binder, const struct tr_expr_scope *scope,
				   const struct tr_ast_expr *ast);
/** The condition of QUALIFY, after the SELECT list was bound with the same scope. */
const struct tr_expr *tr_bind_qualify(struct tr_binder *binder, const struct tr_expr_scope *scope,
				      const struct tr_ast_select *select);
/** The relation with the columns of all calls behind those of its node. NULL: reported. */
const struct tr_relation *tr_bind_overs(struct tr_binder *binder, const struct tr_relation *relation,
					const struct tr_overs *overs);

/* bind_group.c */
/** The last millisecond of a window that is attached to a row, as the kind of time that the watermark is of. */
const struct tr_expr *tr_bind_attached_time(struct tr_binder *binder, const struct tr_expr *end, bool is_local,
					    struct tr_span span);
/** Attached windows are told apart by their keys; as a window of a millisecond, the last one of each, they fire when they
 * should. The time column is the caller's to set. */
struct tr_window_spec tr_bind_attached_window(struct tr_binder *binder, bool is_local);
/** The one window of batch mode, which ends with the input. */
struct tr_window_spec tr_bind_whole_window(struct tr_binder *binder);
/** `list` takes the columns, with what `order` adds; the relation has all of them. */
const struct tr_relation *tr_bind_grouped_select(struct tr_binder *binder, const struct tr_ast_select *select,
						 const struct tr_ast_order *order, struct tr_span span,
						 const struct tr_relation *input, struct tr_select_list *list);
/** Whether a SELECT needs grouping: GROUP BY, HAVING, or an aggregate in its list. */
bool tr_bind_is_grouped(const struct tr_binder *binder, const struct tr_ast_select *select);
/** An expression after GROUP BY that is a key, an aggregate or a window column; NULL and `is_reported` false: none of
 * these, look at its parts. */
const struct tr_expr *tr_bind_grouped(struct tr_binder *binder, const struct tr_expr_scope *scope,
				      const struct tr_ast_expr *ast, bool *is_reported);
/** SELECT DISTINCT: the relation's rows, each once. NULL: reported. */
const struct tr_relation *tr_bind_distinct(struct tr_binder *binder, const struct tr_relation *relation,
					   struct tr_span span);
bool tr_bind_has_aggregate(const struct tr_binder *binder, const struct tr_ast_expr *ast);

/* bind_sets.c */
#define TR_BIND_SET_KEYS_MAX 40 /* keys, where there are several sets */
/** Sorts the expressions of GROUP BY into keys, sets of keys and columns of a window that exists in name only: `has_window` becomes
 * whether all sets have its start and its end. False: reported, or a table is needed. */
bool tr_bind_sets(struct tr_binder *binder, const struct tr_ast_select *select, struct tr_aggregation *aggregation,
		  bool *has_window);
/** Key columns of the aggregation's output. */
static inline uint32_t tr_bind_key_columns(const struct tr_aggregation *aggregation)
{
	return aggregation->key_count + (aggregation->set_count > 1 ? 1 : 0);
}
/** The type of a key in the output: of one that a set lacks, nullable. */
const struct tr_type *tr_bind_key_type(struct tr_binder *binder, const struct tr_aggregation *aggregation, uint32_t key);
/** Whether all sets have the key. */
bool tr_bind_is_common_key(const struct tr_aggregation *aggregation, uint32_t key);
/** GROUPING, GROUPING_ID, GROUP_ID over the output. NULL: reported. */
const struct tr_expr *tr_bind_grouping(struct tr_binder *binder, const struct tr_aggregation *aggregation,
				       const struct tr_ast_expr *ast);
bool tr_bind_is_grouping(const struct tr_ast_expr *ast);
/** EXPAND over the PROJECT below the aggregation. */
const struct tr_node *tr_bind_expand(struct tr_binder *binder, const struct tr_aggregation *aggregation,
				     const struct tr_node *project);

/* bind_aggregate.c */
/** The column of the aggregation's output that a call of an aggregate is, which becomes a part of it if it is not yet. NULL:
 * reported, or the aggregation needs a table. */
const struct tr_expr *tr_bind_aggregate(struct tr_binder *binder, const struct tr_expr_scope *scope,
					const struct tr_ast_expr *ast);

/* bind_like.c */
/** CREATE TABLE written out. */
struct tr_table_form {
	const struct tr_ast_create_table *ast; /* without LIKE and AS */
	const struct tr_type *const *types;    /* by column: NULL where the tree says it */
	struct tr_ast_names query_columns;     /* AS: to which columns the query's go */
};
/** The statement with what LIKE brings; NULL: reported. */
const struct tr_table_form *tr_bind_table_like(struct tr_binder *binder, const struct tr_ast_create_table *ast);
/** The statement with the columns of AS; NULL: reported. */
const struct tr_table_form *tr_bind_table_as(struct tr_binder *binder, const struct tr_ast_create_table *ast);

/* bind_table.c */
/** Puts the table into the catalog. With AS the answer is the INSERT that fills it, else NULL; NULL also if there is an error. */
const struct tr_ast_insert *tr_bind_create_table(struct tr_binder *binder, const struct tr_ast_create_table *ast,
						 struct tr_span span);
/** The spec through which a table is read or written; `hints` may override options (OPTIONS('k'='v')). */
struct tr_table_spec *tr_bind_table_spec(struct tr_binder *binder, const struct tr_table *table,
					 const struct tr_ast_hints *hints);

#endif
