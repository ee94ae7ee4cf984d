/* SPDX-License-Identifier: Apache-2.0
 *
 * Environment and streams from inside: a graph of plan nodes (core/plan.h) that grows with each call.
 *
 * A stream is a relation (sql/bind.h): a node and what its columns are. SQL texts are bound over it by sql/embed.h; functions
 * become OPERATOR nodes; each sink is a root of the plan. Explicit partitioning is an EXCHANGE node; all other exchanges are put by
 * tr_parallelize, as for SQL.
 *
 * A stream that is wrong has no relation. What is made of it is wrong too, and nobody says so again.
 */
#ifndef TR_API_ENV_H
#define TR_API_ENV_H

#include "api/run_context.h"
#include "sql/embed.h"
#include "tailrace/environment.h"

#define TR_ENV_ERRORS_MAX 100
#define TR_ENV_STREAMS_MAX 2000 /* who walks through a graph calls itself as deep as that is */

struct tr_stream {
	struct tr_env *env;
	const struct tr_relation *relation; /* NULL: it is wrong, or a sink */
	struct tr_node *node;               /* whose uid, name and parallelism are set; NULL: wrong */
	const char *what;                   /* "flat map 'split'": for messages */
	struct tr_key_columns keys;         /* count 0: it is not keyed */
	bool is_all;                        /* all rows are of one key (tr_stream_window_all) */
	struct tr_run_window *window;       /* of the node, if it is one with functions in C */
	struct tr_run_function *function;   /* of the node, if it is one */
	struct tr_operator *op;             /* that may have side outputs; NULL: it has none */
	const struct tr_relation **read;    /* by `op` */
	uint32_t read_count;
};

struct tr_env {
	struct tr_arena *arena; /* the session's */
	struct tr_config config;
	struct tr_arena config_arena;
	struct tr_session *session;
	struct tr_embed embed;
	struct tr_environment *real;
	const char *errors[TR_ENV_ERRORS_MAX];
	uint32_t error_count;
	const struct tr_node *sinks[TR_PLAN_INPUTS_MAX];
	uint32_t sink_count;
	uint32_t operator_count; /* numbers for names */
	uint32_t stream_count;
	const char *early[4]; /* options that streams take when they are made, as the first one found them */
	uint32_t table_count;
	const char **uids; /* given ones */
	uint32_t uid_count, uid_room;
	struct tr_collected *collected; /* a list */
	struct tr_plan *plan;           /* made by execute or explain */
	const struct tr_node *const *bound;
	const char *restore_from; /* a savepoint, or NULL */
	bool allows_non_restored;
	uint32_t job_count;  /* handles that are not destroyed */
	bool is_of_a_plugin; /* the program executes it */
	char zone[256];
};

/** How the command line program makes one. */
struct tr_env_options {
	const struct tr_config *config;
	const char *job_name;
	const char *time_zone;
	uint32_t core_count;
	/* For who runs the plan in a world of his own: variables of scripts, and what the job's id is made of. */
	const struct tr_variable *variables;
	uint32_t variable_count;
	const uint64_t *job_id_seed; /* two numbers; NULL: random ones */
};
tr_code tr_env_create_with(const struct tr_env_options *options, struct tr_env **env, struct tr_status *st) TR_MUST_USE;

/** The plan of the graph; NULL: `st` has all errors. */
struct tr_plan *tr_env_plan(struct tr_env *env, struct tr_status *st);

/** Keeps an error of an operator. */
void tr_env_fail(struct tr_env *env, const char *what, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** The environment of a stream that `function` (of the user's) was given; ends the process if that is NULL. */
struct tr_env *tr_stream_env(const struct tr_stream *stream, const char *function);

/** Whether the user has given the argument; else that is an error of the operator's. */
bool tr_env_given(struct tr_env *env, const char *what, const void *argument, const char *name);

/** Copies a struct of the user's that begins with its size to `into`, whose later members are zeros. False, and an error: it is NULL, or
 * was not made by TR_MAKE, or has members that we do not know. */
bool tr_env_take(struct tr_env *env, const char *what, const char *type, void *into, size_t bytes, const void *from);

/** A name between backticks. */
const char *tr_env_quoted(struct tr_env *env, const char *name);

/** The first stream is being made. */
void tr_env_begin(struct tr_env *env);

/** Keeps what the last text of SQL had. True: there was something. */
bool tr_env_take_errors(struct tr_env *env, const char *what);

/** A stream over a relation (NULL: wrong). `node`: what uid, name and parallelism go to. */
struct tr_stream *tr_stream_new(struct tr_env *env, const char *what, const struct tr_relation *relation,
				struct tr_node *node);

/** Whether there is something to read. A sink, which has nothing, is told of. */
bool tr_stream_has_rows(const struct tr_stream *stream);

/** The node that a stream's reader without keys reads: of a keyed stream by way of its keys. */
const struct tr_relation *tr_stream_rows(const struct tr_stream *stream);

/** A table's spec for a connector in C. */
struct tr_table_spec *tr_env_spec(struct tr_env *env, const char *name, const struct tr_connector *connector,
				  const struct tr_schema *schema, const void *context);

/** A SINK node over the stream's rows, as one more root. */
struct tr_stream *tr_env_add_sink(struct tr_env *env, const char *what, struct tr_node *sink);

/** Why the keys of two streams do not fit together; NULL: they do. */
const char *tr_stream_keys_problem(const struct tr_stream *left, const struct tr_stream *right);

/** A stream that is wrong, for the reason that was kept. */
struct tr_stream *tr_stream_wrong(struct tr_env *env, const char *what);

/** What an operator is called by itself: "process 3". */
const char *tr_env_next_name(struct tr_env *env, const char *word);

/** An EXCHANGE over `input`; `keys`: of HASH, or NULL. */
const struct tr_node *tr_stream_exchange(struct tr_env *env, const struct tr_node *input, enum tr_exchange_kind kind,
					 const struct tr_key_columns *keys);

/** The relation over another node with its columns. */
const struct tr_relation *tr_stream_over(struct tr_env *env, const struct tr_relation *relation,
					 const struct tr_node *node);

/** An operator that calls a function, over one or more inputs. `plan` has its name, kind, function and inputs. */
struct tr_stream *tr_stream_apply_to(struct tr_env *env, const struct tr_relation *const *inputs,
				     struct tr_run_function *plan, const char *word, const char *title,
				     const struct tr_schema *output);

/** The same over the stream; the function's on_row or on_batch are the input's. `plan` has its name, kind and function. */
struct tr_stream *tr_stream_apply(struct tr_stream *stream, struct tr_run_function *plan, const char *word,
				  const char *title, const struct tr_schema *output);

extern const struct tr_connector tr_connector_source_function; /* source_function.c */
extern const struct tr_connector tr_connector_sink_function;   /* sink_function.c */
extern const struct tr_connector tr_connector_sink_exact;      /* of those that prepare and commit */

/** Of sources in C: the table's `context`. */
struct tr_source_plan_c {
	struct tr_source_function function;
	uint32_t column_count; /* that `read` fills; behind them those that are filled here: */
	int32_t time;          /* of `assign_time`; -1: none */
	int32_t watermark;     /* of the source itself or of the generator; -1: none */
	tr_time_fn assign_time;
	void *assign_user;
	int32_t time_column;                     /* of `read`, for the generator; -1: none */
	struct tr_watermark_generator generator; /* struct_size 0: none */
	int64_t periodic_ms;                     /* 0: never */
	int64_t idle_timeout_ms;
};

/* Event time (stream_time.c). */

/** A copy of a strategy (NULL: no event time) in the arena, checked; `function`: of a source in C, or NULL. NULL: it is wrong, which is told. */
const struct tr_watermark_strategy *tr_env_strategy(struct tr_env *env, const char *what,
						    const struct tr_watermark_strategy *strategy,
						    const struct tr_source_function *function);

/** A table's columns with what a strategy adds to them that SQL can say. */
const char *tr_env_time_clauses(struct tr_env *env, const char *columns, const struct tr_watermark_strategy *strategy);

/** The stream of a table that was declared so, with the rest of the strategy. */
struct tr_stream *tr_env_time_source(struct tr_stream *stream, const struct tr_watermark_strategy *strategy);

/** A table's stream: its first `column_count` columns, and the time if it is made. `watermark`: the column with watermarks that are said, not
 * computed; -1: none. */
struct tr_stream *tr_env_scan(struct tr_env *env, const char *what, const struct tr_table_spec *spec,
			      uint32_t column_count, int32_t watermark, const struct tr_watermark_strategy *strategy);

/** The stream of a source in C whose `read` fills columns of `schema`; the rest of `plan` is filled in. */
struct tr_stream *tr_env_scan_function(struct tr_env *env, const char *what, const char *name,
				       const struct tr_schema *schema, struct tr_source_plan_c *plan,
				       const struct tr_watermark_strategy *strategy);

/** An interval of days to seconds, as SQL has it. */
const char *tr_env_interval(struct tr_arena *arena, int64_t ms);

void tr_collected_destroy(struct tr_collected **list);

#endif
