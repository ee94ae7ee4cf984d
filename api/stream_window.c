/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams of windows with functions in C: what is asked for is checked, and becomes the plan of a window operator (run_window.h). Windows
 * with SQL's aggregates are in stream_sql.c.
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/env.h"
#include "api/run_window.h"
#include "base/check.h"
#include "base/type.h"

#define LATE_TAG "late rows"
#define OVERLAPPING_MAX 10000 /* sliding windows of a row */

/* Checking. */

static bool has_sense(const struct tr_windows *w)
{
	switch (w->kind) {
	case TR_WINDOWS_TUMBLING: return w->size_ms > 0 && w->offset_ms < w->size_ms && -w->offset_ms < w->size_ms;
	case TR_WINDOWS_SLIDING:
		return w->size_ms > 0 && w->slide_ms > 0 && w->offset_ms < w->slide_ms && -w->offset_ms < w->slide_ms;
	case TR_WINDOWS_SESSION: return w->size_ms > 0 || w->gap != NULL;
	case TR_WINDOWS_COUNT: return w->size_ms > 0 && w->slide_ms >= 0;
	case TR_WINDOWS_CUSTOM: return w->assign != NULL;
	case TR_WINDOWS_GLOBAL: return true;
	}
	return false;
}

/** NULL: there is nothing wrong. */
static const char *function_problem(const struct tr_window_function *f, bool is_merging)
{
	const bool is_aggregate = f->add != NULL || f->result != NULL || f->accumulator_bytes > 0;

	if (is_aggregate && (f->add == NULL || f->result == NULL || f->accumulator_bytes == 0))
		return "an aggregate has accumulator_bytes, add and result";
	if (is_aggregate ? f->reduce != NULL || f->process != NULL : f->reduce == NULL && f->process == NULL)
		return "a window function has add and result, or reduce, or process";
	if (is_aggregate && is_merging && f->merge == NULL)
		return "an aggregate over sessions needs merge";
	if (is_merging && f->state_bytes > 0)
		return "sessions have no state of the window";
	if (f->accumulator_bytes > 65536 || f->state_bytes > TR_RUN_WINDOW_STATE_MAX)
		return "accumulators have 65,536 bytes at most, states of windows 4,096";
	return NULL;
}

static const char *trigger_problem(const struct tr_trigger *t, bool is_merging)
{
	if (t->on_row == NULL)
		return "a trigger needs on_row";
	if (is_merging && t->on_merge == NULL)
		return "a trigger of sessions needs on_merge";
	if (t->state_bytes > TR_RUN_WINDOW_STATE_MAX)
		return "states of triggers have 4,096 bytes at most";
	if (tr_run_trigger_lacks_number(t))
		return "a trigger's count or interval is more than 0";
	return NULL;
}

/** Windows, trigger, evictor and lateness of the plan; false: reported. */
static bool take_windows(struct tr_stream *stream, struct tr_run_window *plan, const struct tr_windows *windows,
			 const struct tr_window_options *options)
{
	struct tr_env *env = stream->env;
	struct tr_window_options o = {0};

	if (options != NULL && !tr_env_take(env, plan->f.name, "tr_window_options", &o, sizeof(o), options))
		return false;
	if (!has_sense(windows) || o.allowed_lateness_ms < 0) {
		tr_env_fail(env, plan->f.name,
			    "windows of %" PRId64 " every %" PRId64 " from %" PRId64 " on, late by %" PRId64
			    " ms, make no sense",
			    windows->size_ms, windows->slide_ms, windows->offset_ms, o.allowed_lateness_ms);
		return false;
	}
	if (windows->kind == TR_WINDOWS_SLIDING && windows->size_ms / windows->slide_ms > OVERLAPPING_MAX) {
		tr_env_fail(env, plan->f.name, "each row would be in %" PRId64 " windows; %d are the most",
			    windows->size_ms / windows->slide_ms, OVERLAPPING_MAX);
		return false;
	}
	plan->windows = *windows;
	plan->is_merging = windows->kind == TR_WINDOWS_SESSION;
	plan->lateness_ms = o.allowed_lateness_ms;
	if (windows->kind == TR_WINDOWS_TUMBLING)
		plan->windows.slide_ms = windows->size_ms;
	if (windows->kind == TR_WINDOWS_COUNT) {
		plan->windows.kind = TR_WINDOWS_GLOBAL;
		plan->trigger = tr_trigger_count(windows->slide_ms > 0 ? windows->slide_ms : windows->size_ms);
		plan->trigger.is_purging = windows->slide_ms == 0;
		if (windows->slide_ms > 0) {
			plan->evictor = tr_evictor_count(windows->size_ms);
			plan->has_evictor = true;
		}
	} else if (windows->kind == TR_WINDOWS_GLOBAL) {
		plan->trigger = tr_trigger_never();
	} else {
		plan->trigger = windows->is_processing_time ? tr_trigger_processing_time() : tr_trigger_event_time();
	}
	plan->is_event_time = plan->windows.kind != TR_WINDOWS_GLOBAL && !windows->is_processing_time;
	if (o.trigger != NULL &&
	    !tr_env_take(env, plan->f.name, "tr_trigger", &plan->trigger, sizeof(plan->trigger), o.trigger))
		return false;
	if (o.evictor == NULL)
		return true;
	plan->has_evictor = true;
	return tr_env_take(env, plan->f.name, "tr_evictor", &plan->evictor, sizeof(plan->evictor), o.evictor);
}

static const char *stream_problem(const struct tr_stream *stream, const struct tr_run_window *plan)
{
	if (stream->keys.count == 0 && !stream->is_all)
		return "windows need a keyed stream (tr_stream_key_by), or all rows under one key "
		       "(tr_stream_window_all)";
	if (plan->is_event_time && tr_embed_rowtime(stream->relation) < 0)
		return tr_arena_printf(stream->env->arena,
				       "%s has no event time: give its source a watermark strategy, or name the column "
				       "by tr_stream_event_time",
				       stream->what);
	return NULL;
}

/** One stream, or two. */
static bool check(struct tr_stream *const *streams, uint32_t count, const struct tr_run_window *plan)
{
	const char *problem = count == 1 ? function_problem(&plan->function, plan->is_merging) : NULL;

	if (problem == NULL && count == 2 && plan->join == NULL && plan->co_group.process == NULL)
		problem = "a function is needed that gets the rows";
	if (problem == NULL)
		problem = trigger_problem(&plan->trigger, plan->is_merging);
	if (problem == NULL && plan->has_evictor && (plan->evictor.before == NULL && plan->evictor.after == NULL))
		problem = "an evictor has before or after";
	if (problem == NULL && plan->has_evictor && count == 2)
		problem = "windows of two streams have no evictor, nor count sliding ones";
	for (uint32_t i = 0; i < count && problem == NULL; i++)
		problem = stream_problem(streams[i], plan);
	if (problem == NULL && count == 2)
		problem = tr_stream_keys_problem(streams[0], streams[1]);
	if (problem != NULL)
		tr_env_fail(streams[0]->env, plan->f.name, "%s", problem);
	return problem == NULL;
}

/* Making. */

/** How an entry lies in memory, and what stands in the way of restoring another one. */
static void lay_out(struct tr_run_window *plan)
{
	const uint32_t head = (uint32_t)sizeof(struct tr_run_entry);
	const bool wants_rows = plan->has_evictor || (plan->function.add == NULL && plan->function.reduce == NULL);

	plan->contents = wants_rows ? TR_RUN_ALL_ROWS : plan->function.add != NULL ? TR_RUN_ACCUMULATOR : TR_RUN_FOLDED;
	plan->state_at = head + ((plan->trigger.state_bytes + 7) & ~7u);
	plan->contents_at = plan->state_at + ((plan->function.state_bytes + 7) & ~7u);
	plan->entry_bytes =
		plan->contents_at + (plan->contents == TR_RUN_ACCUMULATOR ? plan->function.accumulator_bytes : 0);
	plan->is_grouped = (plan->windows.kind == TR_WINDOWS_TUMBLING || plan->windows.kind == TR_WINDOWS_SLIDING) &&
			   tr_run_trigger_is_plain(&plan->trigger, plan->is_event_time);
	plan->has_alarms = plan->is_merging && tr_run_trigger_is_plain(&plan->trigger, plan->is_event_time);
}

static const char *type_list(struct tr_arena *arena, const struct tr_schema *schema)
{
	const char *text = "";

	for (uint32_t i = 0; i < schema->column_count; i++)
		text = tr_arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "", tr_type_text(arena, schema->types[i]));
	return text;
}

static const char *contents_text(struct tr_arena *arena, const struct tr_run_window *plan,
				 struct tr_stream *const *streams)
{
	const char *text;

	if (plan->contents == TR_RUN_ACCUMULATOR)
		return tr_arena_printf(arena, "accumulators of %u bytes, version %u", plan->function.accumulator_bytes,
				       plan->function.version);
	text = tr_arena_printf(arena, "%s of (%s)", plan->contents == TR_RUN_FOLDED ? "one row" : "rows",
			       type_list(arena, streams[0]->relation->node->output));
	if (plan->f.input_count == 1)
		return text;
	return tr_arena_printf(arena, "%s and (%s)", text, type_list(arena, streams[1]->relation->node->output));
}

static const char *fingerprint(struct tr_arena *arena, const struct tr_run_window *plan,
			       struct tr_stream *const *streams)
{
	const char *kind = plan->is_merging                          ? "sessions"
			   : plan->windows.kind == TR_WINDOWS_GLOBAL ? "the global window"
								     : "windows";

	return tr_arena_printf(arena, "%s, %s%s%s, %s, states of %u and %u bytes", plan->f.op.fingerprint,
			       plan->is_event_time ? "event time, " : "", kind,
			       plan->is_grouped || plan->has_alarms ? " with timers of their own" : "",
			       contents_text(arena, plan, streams), plan->trigger.state_bytes,
			       plan->function.state_bytes);
}

/** Of the result: its column window_time. */
static int32_t window_time(const struct tr_schema *output)
{
	const int32_t column = tr_schema_find(output, "window_time");

	return column >= 0 && tr_type_is_timestamp(output->types[column]) && output->types[column]->precision <= 3
		       ? column
		       : -1;
}

static const struct tr_schema *output_of(struct tr_stream *stream, const struct tr_run_window *plan, const char *columns)
{
	struct tr_env *env = stream->env;
	const struct tr_schema *output;

	if (plan->function.reduce != NULL && plan->function.process == NULL) {
		if (columns != NULL)
			tr_env_fail(env, plan->f.name,
				    "reduce without process makes the stream's own columns: give NULL");
		return columns == NULL ? stream->relation->node->output : NULL;
	}
	if (!tr_env_given(env, plan->f.name, columns, "columns"))
		return NULL;
	output = tr_embed_schema(&env->embed, plan->f.name, columns);
	return tr_env_take_errors(env, plan->f.name) ? NULL : output;
}

/** The operator over one stream, or two. `plan` has its name and function. */
static struct tr_stream *apply(struct tr_stream *const *streams, uint32_t count, struct tr_run_window *plan,
			       const struct tr_windows *windows, const char *columns,
			       const struct tr_window_options *options)
{
	struct tr_env *env = tr_stream_env(streams[0], "a window");
	const struct tr_relation *inputs[TR_RUN_INPUTS_MAX];
	static const char *const titles[][2] = {{"Window", "WindowAll"}, {"CoGroup", "CoGroupAll"}};
	const bool is_all = streams[0]->is_all;
	const struct tr_schema *output;
	struct tr_stream *result;
	bool is_bounded = true;

	for (uint32_t i = 0; i < count; i++) {
		if (tr_stream_env(streams[i], "a window") != env)
			tr_env_fail(env, plan->f.name, "%s is of another environment", streams[i]->what);
		if (streams[i]->env != env || !tr_stream_has_rows(streams[i]))
			return tr_stream_wrong(env, plan->f.name);
	}
	if (!take_windows(streams[0], plan, windows, options) || !check(streams, count, plan))
		return tr_stream_wrong(env, plan->f.name);
	output = output_of(streams[0], plan, columns);
	if (output == NULL)
		return tr_stream_wrong(env, plan->f.name);
	lay_out(plan);
	plan->f.kind = TR_RUN_FLAT_MAP;
	plan->f.is_keyed = true;
	plan->f.function = tr_run_window_callbacks;
	plan->f.function.user = plan->function.user;
	plan->f.input_count = count;
	for (uint32_t i = 0; i < count; i++) {
		inputs[i] = streams[i]->relation;
		is_bounded = is_bounded && inputs[i]->is_bounded;
		plan->f.inputs[i] = (struct tr_run_input){
			.on_batch = tr_run_window_callbacks.on_batch, .keys = streams[i]->keys, .is_all = is_all};
	}
	result = tr_stream_apply_to(env, inputs, &plan->f, "window", titles[count - 1][is_all], output);
	plan->f.op.fingerprint = fingerprint(env->arena, plan, streams);
	result->relation = tr_embed_relation(&env->embed, result->node, window_time(output), is_bounded);
	result->op = &plan->f.op;
	result->window = plan;
	if (is_all)
		result->node->given_parallelism = 1;
	return result;
}

static struct tr_run_window *new_plan(struct tr_env *env, const char *word)
{
	struct tr_run_window *plan = TR_NEW(env->arena, struct tr_run_window);

	plan->f.name = tr_env_next_name(env, word);
	return plan;
}

struct tr_stream *tr_stream_window_process(struct tr_stream *stream, struct tr_windows windows, const char *columns,
					   const struct tr_window_function *function,
					   const struct tr_window_options *options)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	struct tr_run_window *plan = new_plan(env, "window");

	if (!tr_env_take(env, plan->f.name, "tr_window_function", &plan->function, sizeof(plan->function), function))
		return tr_stream_wrong(env, plan->f.name);
	return apply(&stream, 1, plan, &windows, columns, options);
}

struct tr_stream *tr_stream_window_reduce(struct tr_stream *stream, struct tr_windows windows, tr_reduce_rows_fn reduce,
					  void *user, const struct tr_window_options *options)
{
	return tr_stream_window_process(stream, windows, NULL,
					&TR_MAKE(tr_window_function, .user = user, .reduce = reduce), options);
}

struct tr_stream *tr_stream_window_all(struct tr_stream *stream)
{
	struct tr_stream *result = tr_stream_new(tr_stream_env(stream, __func__), stream->what, NULL, NULL);

	*result = *stream;
	result->keys = (struct tr_key_columns){0};
	result->is_all = true;
	return result;
}

struct tr_stream *tr_stream_late_rows(struct tr_stream *of)
{
	struct tr_env *env = tr_stream_env(of, __func__);
	const struct tr_schema *schema;
	const char *columns = "";

	if (!tr_stream_has_rows(of))
		return tr_stream_wrong(env, "late rows");
	if (of->window == NULL || of->read_count != 1) {
		tr_env_fail(
			env, of->what,
			"only windows with functions in C over one stream (tr_stream_window_process) have late rows");
		return tr_stream_wrong(env, "late rows");
	}
	of->window->late_tag = LATE_TAG;
	schema = of->read[0]->node->output;
	for (uint32_t i = 0; i < schema->column_count; i++)
		columns = tr_arena_printf(env->arena, "%s%s`%s` %s", columns, i > 0 ? ", " : "", schema->names[i],
					  tr_type_text(env->arena, schema->types[i]));
	return tr_stream_side_output(of, LATE_TAG, columns);
}

/* Two streams. */

struct tr_stream *tr_stream_co_group(struct tr_stream *left, struct tr_stream *right, struct tr_windows windows,
				     const char *columns, const struct tr_co_group_function *function,
				     const struct tr_window_options *options)
{
	struct tr_env *env = tr_stream_env(left, __func__);
	struct tr_run_window *plan = new_plan(env, "co-group");

	if (!tr_env_take(env, plan->f.name, "tr_co_group_function", &plan->co_group, sizeof(plan->co_group), function))
		return tr_stream_wrong(env, plan->f.name);
	plan->function.user = plan->co_group.user;
	plan->function.open = plan->co_group.open;
	plan->function.close = plan->co_group.close;
	return apply((struct tr_stream *const[]){left, right}, 2, plan, &windows, columns, options);
}

struct tr_stream *tr_stream_window_join(struct tr_stream *left, struct tr_stream *right, struct tr_windows windows,
					const char *columns, tr_join_fn join, void *user,
					const struct tr_window_options *options)
{
	struct tr_run_window *plan = new_plan(tr_stream_env(left, __func__), "window join");

	plan->join = join;
	plan->function.user = user;
	return apply((struct tr_stream *const[]){left, right}, 2, plan, &windows, columns, options);
}
