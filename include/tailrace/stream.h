/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams: a job as a graph of operators, built from its sources to its sinks.
 *
 *     struct tr_stream *words = tr_stream_flat_map(lines, "word STRING", &split);
 *     struct tr_stream *counts = tr_stream_process(tr_stream_key_by(words, "word"), "word STRING, n BIGINT", &count);
 *     tr_stream_print(counts);
 *
 * A stream has columns with names and SQL's types, written as in CREATE TABLE ("word STRING, n BIGINT NOT NULL"). Each function
 * here adds an operator that reads one or more streams, and answers with its output. Several may read one stream.
 *
 * Errors. What is wrong is kept in the environment and told by execute, all at once and with the operators' names. The functions
 * never answer NULL: what reads a stream that is wrong is wrong too, without another message. (An environment or stream that is NULL
 * ends the process with the name of the function.)
 *
 * Streams belong to their environment and live as long. Thread: that of the environment.
 */
#ifndef TAILRACE_STREAM_H
#define TAILRACE_STREAM_H

#include "tailrace/function.h"
#include "tailrace/sink.h"
#include "tailrace/source.h"
#include "tailrace/window.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tr_env;
struct tr_stream;

/* Sources. */

/** A table that was made by tr_env_sql (a built-in connector with its options), or a view. */
TR_API struct tr_stream *tr_env_from_table(struct tr_env *env, const char *table);

/** A built-in connector: `options` are keys and values in turn, then NULL. `watermarks` may be NULL.
 *     tr_env_from_connector(env, "orders", "id BIGINT, ts TIMESTAMP(3)", (const char *[]){"connector", "datagen", NULL}, NULL) */
TR_API struct tr_stream *tr_env_from_connector(struct tr_env *env, const char *name, const char *columns,
					       const char *const *options,
					       const struct tr_watermark_strategy *watermarks);

/** A source in C. `function` is copied, what it points to is not. */
TR_API struct tr_stream *tr_env_from_source(struct tr_env *env, const char *name, const char *columns,
					    const struct tr_source_function *function,
					    const struct tr_watermark_strategy *watermarks);

/** The rows of these batches, which must have the columns, and must live until the job has ended. */
TR_API struct tr_stream *tr_env_from_batches(struct tr_env *env, const char *name, const char *columns,
					     const struct tr_batch *const *batches, uint32_t count,
					     const struct tr_watermark_strategy *watermarks);

/* Row by row, without keys. */

/** The rows for which an SQL condition holds: "amount > 100 AND city <> 'Berlin'". */
TR_API struct tr_stream *tr_stream_where(struct tr_stream *stream, const char *condition);

/** SQL expressions over the columns: "id, amount * 2 AS amount, UPPER(city) AS city". */
TR_API struct tr_stream *tr_stream_select(struct tr_stream *stream, const char *expressions);

/** The rows for which `keep` answers true. */
typedef bool (*tr_filter_fn)(void *user, const struct tr_row *row);
TR_API struct tr_stream *tr_stream_filter(struct tr_stream *stream, tr_filter_fn keep, void *user);

/** One row for each row: on_row sets the columns, and the row is added by itself; on_batch adds as many rows as it was given, in their
 * order. */
TR_API struct tr_stream *tr_stream_map(struct tr_stream *stream, const char *columns,
				       const struct tr_function *function);

/** Any number of rows for each row. */
TR_API struct tr_stream *tr_stream_flat_map(struct tr_stream *stream, const char *columns,
					    const struct tr_function *function);

/** As flat map; over a keyed stream with state (state.h) and timers (timer.h). */
TR_API struct tr_stream *tr_stream_process(struct tr_stream *stream, const char *columns,
					   const struct tr_function *function);

/** The rows that the functions of the operator that made `of` write to its side output `tag` (tr_context_side_output), with columns of their
 * own. Unkeyed; with the watermarks of the operator, and its event time where a column of that name and type is in it. */
TR_API struct tr_stream *tr_stream_side_output(struct tr_stream *of, const char *tag, const char *columns);

/* Several streams. */

/** The rows of all of them, which have the same types of columns. */
TR_API struct tr_stream *tr_stream_union(struct tr_stream *const *streams, uint32_t count);

/* Event time (watermark.h). */

/** The stream with times and watermarks of this strategy. Those that it had end here, but for the last one at the end of the input. Each
 * subtask has its own; behind an exchange the least of them counts. */
TR_API struct tr_stream *tr_stream_assign_watermarks(struct tr_stream *stream,
						     const struct tr_watermark_strategy *strategy);

/* Keys and windows. */

/** Rows with equal values of these columns ("user_id, city") go to one subtask. Those of a key come in the order in which they were read, and
 * timers between them, as long as one subtask reads them (tr_stream_parallelism of the source); several readers are ahead of one another. */
TR_API struct tr_stream *tr_stream_key_by(struct tr_stream *stream, const char *columns);

/** Of each key the fold of its rows so far, after each row: `reduce` sets the columns of `out` from both (it need not set the key columns);
 * the first row comes out as it is. Over a keyed stream. */
typedef tr_code (*tr_reduce_rows_fn)(void *user, const struct tr_row *so_far, const struct tr_row *row,
				     struct tr_collector *out, struct tr_status *st);
TR_API struct tr_stream *tr_stream_reduce(struct tr_stream *stream, tr_reduce_rows_fn reduce, void *user);

/** Of each key and window the SQL aggregates: "COUNT(*) AS n, MAX(price) AS top". Columns: the keys, window_start, window_end, window_time (the
 * last millisecond, which is the event time from here on), then these. Over a keyed stream, or one of
 * tr_stream_window_all, with event time: windows of the clock are for tr_stream_window_process (window_function.h). */
TR_API struct tr_stream *tr_stream_window_aggregate(struct tr_stream *stream, struct tr_windows windows,
						    const char *aggregates);

/* To which subtask rows go. Without any of these a stream stays on its subtask where the parallelism is the same. */

TR_API struct tr_stream *tr_stream_rebalance(struct tr_stream *stream); /* in turn */
TR_API struct tr_stream *tr_stream_rescale(struct tr_stream *stream); /* in turn, among those of about the same number */
TR_API struct tr_stream *tr_stream_shuffle(struct tr_stream *stream);   /* as if at random */
TR_API struct tr_stream *tr_stream_broadcast(struct tr_stream *stream); /* each row to all */
TR_API struct tr_stream *tr_stream_forward(struct tr_stream *stream);   /* subtask i to subtask i */
TR_API struct tr_stream *tr_stream_global(struct tr_stream *stream);    /* all to subtask 0 of one */

/** To the one of `subtasks` (0 .. subtasks - 1) that `choose` answers; another number fails the job. It is called on the subtasks that send,
 * which may be at once. The second form says it for all selected rows of a batch: targets[i] for the i-th. */
typedef uint32_t (*tr_partition_fn)(void *user, const struct tr_row *row, uint32_t subtasks);
typedef void (*tr_partition_batch_fn)(void *user, const struct tr_batch *batch, uint32_t subtasks, uint32_t *targets);
TR_API struct tr_stream *tr_stream_partition(struct tr_stream *stream, tr_partition_fn choose, void *user);
TR_API struct tr_stream *tr_stream_partition_batches(struct tr_stream *stream, tr_partition_batch_fn choose, void *user);

/* Of the operator that makes the stream. All answer with the stream. */

/** By which its state is found again; once per job. */
TR_API struct tr_stream *tr_stream_uid(struct tr_stream *stream, const char *uid);
/** For messages and plans. */
TR_API struct tr_stream *tr_stream_name(struct tr_stream *stream, const char *name);
/** Subtasks, 1 to 64. */
TR_API struct tr_stream *tr_stream_parallelism(struct tr_stream *stream, uint32_t parallelism);
/** It gets its input over a queue, not by a call from what stands before it; disabled: its readers do, too. EXPLAIN shows such a queue as an
 * exchange. Subtasks of one number run on one core all the same. */
TR_API struct tr_stream *tr_stream_start_new_chain(struct tr_stream *stream);
TR_API struct tr_stream *tr_stream_disable_chaining(struct tr_stream *stream);
/** The column, TIMESTAMP(3) or TIMESTAMP_LTZ(3), that is its event time. What makes a stream keeps the event time by itself where a column of
 * that name and type is in the output. */
TR_API struct tr_stream *tr_stream_event_time(struct tr_stream *stream, const char *column);

/** Its columns. NULL: the stream is wrong. */
TR_API const struct tr_schema *tr_stream_schema(const struct tr_stream *stream);

/* Sinks. Each answers with a handle for uid, name and parallelism only: reading from it is an error. */

/** A table that was made by tr_env_sql; columns by position, cast where INSERT INTO would. */
TR_API struct tr_stream *tr_stream_insert_into(struct tr_stream *stream, const char *table);

/** A built-in connector, with options as tr_env_from_connector has them. */
TR_API struct tr_stream *tr_stream_sink_to_connector(struct tr_stream *stream, const char *name,
						     const char *const *options);

/** A sink in C. `function` is copied. */
TR_API struct tr_stream *tr_stream_sink_to(struct tr_stream *stream, const char *name,
					   const struct tr_sink_function *function);

/** Each row as a line on stdout. */
TR_API struct tr_stream *tr_stream_print(struct tr_stream *stream);

/** Rows in memory, of one subtask. Belongs to the environment. */
struct tr_collected;
TR_API struct tr_collected *tr_stream_collect(struct tr_stream *stream);
/** After the job has ended: batch i of *count. They live as long as the environment. */
TR_API const struct tr_batch *tr_collected_batch(const struct tr_collected *collected, uint32_t i);
TR_API uint32_t tr_collected_count(const struct tr_collected *collected);

#ifdef __cplusplus
}
#endif
#endif
