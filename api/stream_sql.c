/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams made of SQL texts: conditions, expressions, aggregates over windows, tables and built-in connectors. Each text becomes a
 * query over the stream, which the binder takes as it takes a script's (sql/embed.h); so they run on the same operators.
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/env.h"
#include "base/bytes.h"
#include "base/check.h"
#include "io/source.h"

#define DAY_MS INT64_C(86400000)

static struct tr_stream *made(struct tr_env *env, const char *what, const struct tr_relation *relation)
{
	if (tr_env_take_errors(env, what))
		relation = NULL;
	return tr_stream_new(env, what, relation, relation != NULL ? (struct tr_node *)(uintptr_t)relation->node : NULL);
}

struct tr_stream *tr_stream_where(struct tr_stream *stream, const char *condition)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	const char *what = tr_env_next_name(env, "where");

	if (!tr_stream_has_rows(stream) || !tr_env_given(env, what, condition, "condition"))
		return made(env, what, NULL);
	return made(env, what, tr_embed_where(&env->embed, what, tr_stream_rows(stream), condition));
}

struct tr_stream *tr_stream_select(struct tr_stream *stream, const char *expressions)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	const char *what = tr_env_next_name(env, "select");

	if (!tr_stream_has_rows(stream) || !tr_env_given(env, what, expressions, "expressions"))
		return made(env, what, NULL);
	return made(env, what,
		    tr_embed_query(&env->embed, what, tr_stream_rows(stream),
				   tr_arena_printf(env->arena, "SELECT %s\nFROM `%s`", expressions, TR_EMBED_STREAM)));
}

/* Windows. */

const char *tr_env_interval(struct tr_arena *arena, int64_t ms)
{
	const bool is_negative = ms < 0;
	const uint64_t t = is_negative ? (uint64_t)-ms : (uint64_t)ms;

	return tr_arena_printf(
		arena,
		"INTERVAL %s'%" PRIu64 " %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64 "' DAY(6) TO SECOND(3)",
		is_negative ? "-" : "", t / DAY_MS, t / 3600000 % 24, t / 60000 % 60, t / 1000 % 60, t % 1000);
}

static const char *key_list(const struct tr_stream *stream)
{
	const char *text = "";

	for (uint32_t i = 0; i < stream->keys.count; i++)
		text = tr_arena_printf(
			stream->env->arena, "%s%s, ", text,
			tr_env_quoted(stream->env, stream->relation->node->output->names[stream->keys.columns[i]]));
	return text;
}

/** The relation with its columns of the names that a window's have under others: "input_window_start". */
static const struct tr_relation *rename_windows(struct tr_arena *arena, const struct tr_relation *relation)
{
	struct tr_relation *copy = TR_NEW(arena, struct tr_relation);

	*copy = *relation;
	copy->columns = TR_NEW_ARRAY(arena, copy->column_count + 1, struct tr_bound_column);
	for (uint32_t i = 0; i < copy->column_count; i++) {
		struct tr_bound_column *column = &copy->columns[i];

		*column = relation->columns[i];
		for (uint32_t w = 0; w < 3; w++)
			if (strcmp(column->name, tr_window_column_names[w]) == 0)
				column->name = tr_arena_printf(arena, "input_%s", column->name);
	}
	return copy;
}

/** TUMBLE(TABLE input, DESCRIPTOR(ts), size): NULL, and reported, if it makes no sense. */
static const char *window_call(const struct tr_stream *stream, const struct tr_relation *rows, const char *what,
			       const struct tr_windows *w)
{
	static const char *const names[] = {"TUMBLE", "HOP", "SESSION"};
	struct tr_env *env = tr_stream_env(stream, __func__);
	struct tr_arena *arena = env->arena;
	const int32_t rowtime = tr_embed_rowtime(stream->relation);
	const char *text;

	if ((uint32_t)w->kind >= TR_COUNT_OF(names) || w->gap != NULL) {
		tr_env_fail(env, what,
			    "aggregates in SQL are over tumbling and sliding windows and sessions of one gap");
		return NULL;
	}
	if (w->size_ms <= 0 || w->size_ms > 999999 * DAY_MS || (w->kind == TR_WINDOWS_SLIDING && w->slide_ms <= 0)) {
		tr_env_fail(env, what, "windows of %" PRId64 " ms every %" PRId64 " ms make no sense", w->size_ms,
			    w->slide_ms);
		return NULL;
	}
	if (w->is_processing_time) {
		tr_env_fail(env, what, "windows of processing time have functions in C (tr_stream_window_process)");
		return NULL;
	}
	if (rowtime < 0) {
		tr_env_fail(env, what,
			    "%s has no event time: give its source a watermark strategy, or name the column by "
			    "tr_stream_event_time",
			    stream->what);
		return NULL;
	}
	text = tr_arena_printf(arena, "%s(TABLE `%s`", names[w->kind], TR_EMBED_STREAM);
	if (w->kind == TR_WINDOWS_SESSION && stream->keys.count > 0)
		text = tr_arena_printf(arena, "%s PARTITION BY (%.*s)", text, (int)strlen(key_list(stream)) - 2,
				       key_list(stream));
	text = tr_arena_printf(arena, "%s, DESCRIPTOR(`%s`), ", text, rows->columns[rowtime].name);
	if (w->kind == TR_WINDOWS_SLIDING)
		text = tr_arena_printf(arena, "%s%s, ", text, tr_env_interval(arena, w->slide_ms));
	text = tr_arena_printf(arena, "%s%s", text, tr_env_interval(arena, w->size_ms));
	if (w->offset_ms != 0)
		text = tr_arena_printf(arena, "%s, %s", text, tr_env_interval(arena, w->offset_ms));
	return tr_arena_printf(arena, "%s)", text);
}

/** The node of the window itself, to which uid and parallelism go. */
static struct tr_node *find_window(const struct tr_node *node)
{
	while (node->kind != TR_NODE_WINDOW_AGGREGATE && node->input_count == 1)
		node = node->inputs[0];
	return (struct tr_node *)(uintptr_t)node;
}

struct tr_stream *tr_stream_window_aggregate(struct tr_stream *stream, struct tr_windows windows, const char *aggregates)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	const char *what = tr_env_next_name(env, "window aggregate");
	const struct tr_relation *rows;
	struct tr_stream *result;
	const char *call;

	if (!tr_stream_has_rows(stream) || !tr_env_given(env, what, aggregates, "aggregates"))
		return made(env, what, NULL);
	if (stream->keys.count == 0 && !stream->is_all) {
		tr_env_fail(env, what,
			    "windows need a keyed stream (tr_stream_key_by), or all rows under one key "
			    "(tr_stream_window_all)");
		return made(env, what, NULL);
	}
	rows = rename_windows(env->arena, stream->relation);
	call = window_call(stream, rows, what, &windows);
	if (call == NULL)
		return made(env, what, NULL);
	result = made(
		env, what,
		tr_embed_query(&env->embed, what, rows,
			       tr_arena_printf(env->arena,
					       "SELECT %swindow_start, window_end, window_time, %s\nFROM TABLE(%s)\n"
					       "GROUP BY %swindow_start, window_end, window_time",
					       key_list(stream), aggregates, call, key_list(stream))));
	if (result->relation != NULL)
		result->node = find_window(result->relation->node);
	return result;
}

/* Tables. */

/** The node of a source, below the projections that a table has. */
static struct tr_node *find_scan(const struct tr_node *node)
{
	while (node->input_count == 1)
		node = node->inputs[0];
	return (struct tr_node *)(uintptr_t)node;
}

struct tr_stream *tr_env_from_table(struct tr_env *env, const char *table)
{
	const char *what = tr_arena_printf(env->arena, "table '%s'", table != NULL ? table : "");
	struct tr_stream *stream;

	if (!tr_env_given(env, what, table, "table"))
		return made(env, what, NULL);
	stream = made(env, what,
		      tr_embed_query(&env->embed, what, NULL,
				     tr_arena_printf(env->arena, "SELECT * FROM %s", tr_env_quoted(env, table))));
	if (stream->relation != NULL)
		stream->node = find_scan(stream->relation->node);
	return stream;
}

/** ", 'key' = 'value'" for each pair. */
static const char *option_text(struct tr_env *env, const char *const *options)
{
	struct tr_bytes text = {0};
	const char *result;

	for (uint32_t i = 0; options != NULL && options[i] != NULL && options[i + 1] != NULL; i += 2) {
		tr_bytes_append_str(&text, i > 0 ? ", " : "");
		for (uint32_t k = 0; k < 2; k++) {
			tr_bytes_append_str(&text, k == 0 ? "'" : " = '");
			for (const char *at = options[i + k]; *at != '\0'; at++)
				tr_bytes_append_str(&text, *at == '\'' ? "''" : (const char[]){*at, '\0'});
			tr_bytes_append_char(&text, '\'');
		}
	}
	result = tr_arena_strndup(env->arena, text.data != NULL ? text.data : "", text.length);
	tr_bytes_deinit(&text);
	return result;
}

/** Declares a table; false: it is wrong. */
static bool declare(struct tr_env *env, const char *what, const char *name, const char *columns,
		    const char *const *options)
{
	const char *script;

	for (uint32_t i = 0; options != NULL && options[i] != NULL; i += 2) {
		if (options[i + 1] != NULL)
			continue;
		tr_env_fail(env, what, "option '%s' has no value (options are keys and values in turn, then NULL)",
			    options[i]);
		return false;
	}
	script = tr_arena_printf(env->arena, "CREATE TABLE %s (\n%s\n) WITH (%s)", tr_env_quoted(env, name), columns,
				 option_text(env, options));
	tr_session_declare(env->session, what, script, strlen(script));
	return !tr_env_take_errors(env, what);
}

struct tr_stream *tr_env_from_connector(struct tr_env *env, const char *name, const char *columns,
					const char *const *options, const struct tr_watermark_strategy *watermarks)
{
	const char *what = tr_arena_printf(env->arena, "source '%s'", name != NULL ? name : "");
	const struct tr_watermark_strategy *w;
	struct tr_stream *stream;

	if (!tr_env_given(env, what, name, "name") || !tr_env_given(env, what, columns, "columns") ||
	    !tr_env_given(env, what, options, "options"))
		return made(env, what, NULL);
	w = tr_env_strategy(env, what, watermarks, NULL);
	if (w == NULL || !declare(env, what, name, tr_env_time_clauses(env, columns, w), options))
		return made(env, what, NULL);
	stream = tr_env_from_table(env, name);
	return stream->relation != NULL ? tr_env_time_source(stream, w) : stream;
}

struct tr_stream *tr_stream_insert_into(struct tr_stream *stream, const char *table)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	const char *what = tr_arena_printf(env->arena, "sink '%s'", table != NULL ? table : "");
	const struct tr_node *sink;

	if (!tr_stream_has_rows(stream) || !tr_env_given(env, what, table, "table"))
		return made(env, what, NULL);
	sink = tr_embed_insert(&env->embed, what, tr_stream_rows(stream), table);
	if (tr_env_take_errors(env, what) || sink == NULL)
		return made(env, what, NULL);
	return tr_env_add_sink(env, what, (struct tr_node *)(uintptr_t)sink);
}

struct tr_stream *tr_stream_sink_to_connector(struct tr_stream *stream, const char *name, const char *const *options)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	const char *what = tr_arena_printf(env->arena, "sink '%s'", name != NULL ? name : "");
	const struct tr_schema *schema = tr_stream_schema(stream);
	const char *columns = "";

	if (!tr_stream_has_rows(stream) || !tr_env_given(env, what, name, "name") ||
	    !tr_env_given(env, what, options, "options"))
		return made(env, what, NULL);
	for (uint32_t i = 0; i < schema->column_count; i++)
		columns = tr_arena_printf(env->arena, "%s%s%s %s", columns, i > 0 ? ", " : "",
					  tr_env_quoted(env, schema->names[i]),
					  tr_type_text(env->arena, schema->types[i]));
	if (!declare(env, what, name, columns, options))
		return made(env, what, NULL);
	return tr_stream_insert_into(stream, name);
}

struct tr_stream *tr_stream_print(struct tr_stream *stream)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	const char *name = tr_arena_printf(env->arena, "print %u", ++env->table_count);

	return tr_stream_sink_to_connector(stream, name, (const char *const[]){"connector", "print", NULL});
}
