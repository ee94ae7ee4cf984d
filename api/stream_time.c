/* SPDX-License-Identifier: Apache-2.0
 *
 * Event time: how a strategy (include/tailrace/watermark.h) becomes nodes.
 *
 *     built-in connector    bounded, by column or expression ──▶ columns and a WATERMARK clause of the table
 *                           by callbacks ──▶ the operator of op_watermarks.c behind the scan, since its splits are dealt in pieces
 *     source in C           expressions of the scan; what callbacks make stands in hidden columns that its reader fills, split by split
 *     in the middle         the operator
 */
#include "api/env.h"
#include "api/op_watermarks.h"
#include "base/check.h"
#include "base/type.h"
#include "io/source.h"

#define UPDATE_INTERVAL_MS 1000

static struct tr_stream *wrong(struct tr_env *env, const char *what) { return tr_stream_new(env, what, NULL, NULL); }

/* Checking. */

static const char *problem_of(const struct tr_watermark_strategy *w, const struct tr_source_function *f)
{
	const struct tr_watermark_generator *g = w->generator;
	const bool has_own = f != NULL && f->has_watermarks;

	if (w->time_column == NULL && (has_own || w->time_expression != NULL || w->assign_time != NULL || g != NULL))
		return "the strategy names no time_column";
	if (w->time_expression != NULL && w->assign_time != NULL)
		return "a strategy has either time_expression or assign_time";
	if (w->out_of_orderness_ms < 0 || w->idle_timeout_ms < 0 || w->max_drift_ms < 0 || w->update_interval_ms < 0)
		return "a watermark strategy with negative times makes no sense";
	if (has_own + (g != NULL) + w->has_no_watermarks > 1)
		return "the source, a generator, or nobody makes the watermarks";
	if (g != NULL && g->on_row == NULL && g->on_batch == NULL && g->on_periodic == NULL)
		return "a generator needs on_row, on_batch or on_periodic";
	if (g != NULL && g->on_row != NULL && g->on_batch != NULL)
		return "a generator has either on_row or on_batch";
	if (w->alignment_group == NULL)
		return NULL;
	if (w->time_column == NULL || w->has_no_watermarks)
		return "a source without watermarks can't be aligned";
	if (f == NULL ? g != NULL || w->assign_time != NULL : g != NULL && w->time_expression != NULL)
		return "a source whose watermarks are made behind it can't be aligned";
	return NULL;
}

const struct tr_watermark_strategy *tr_env_strategy(struct tr_env *env, const char *what,
						    const struct tr_watermark_strategy *strategy,
						    const struct tr_source_function *function)
{
	struct tr_watermark_strategy *w = TR_NEW(env->arena, struct tr_watermark_strategy);
	const char *problem;

	if (strategy != NULL && !tr_env_take(env, what, "tr_watermark_strategy", w, sizeof(*w), strategy))
		return NULL;
	if (w->generator != NULL) {
		struct tr_watermark_generator *g = TR_NEW(env->arena, struct tr_watermark_generator);

		if (!tr_env_take(env, what, "tr_watermark_generator", g, sizeof(*g), w->generator))
			return NULL;
		w->generator = g;
	}
	if (w->time_column != NULL)
		w->time_column = tr_arena_printf(env->arena, "%s", w->time_column);
	if (w->alignment_group != NULL)
		w->alignment_group = tr_arena_printf(env->arena, "%s", w->alignment_group);
	problem = problem_of(w, function);
	if (problem == NULL)
		return w;
	tr_env_fail(env, what, "%s", problem);
	return NULL;
}

static bool is_time(const struct tr_type *type) { return tr_type_is_timestamp(type) && type->precision <= 3; }

/** Whether the strategy's time column is one, or there is none of its name yet if it is to be made. */
static bool check_column(struct tr_env *env, const char *what, const struct tr_schema *schema,
			 const struct tr_watermark_strategy *w)
{
	const bool is_made = w->time_expression != NULL || w->assign_time != NULL;
	const int32_t column = tr_schema_find(schema, w->time_column);

	if (is_made && column >= 0)
		tr_env_fail(env, what, "there is a column '%s' already", w->time_column);
	else if (!is_made && (column < 0 || !is_time(schema->types[column])))
		tr_env_fail(env, what, "the time column '%s' is no column of TIMESTAMP(3) or TIMESTAMP_LTZ(3)",
			    w->time_column);
	else
		return true;
	return false;
}

static void set_drift(struct tr_node *scan, const struct tr_watermark_strategy *w)
{
	if (w->alignment_group == NULL)
		return;
	scan->scan.drift = (struct tr_drift_spec){
		.group = w->alignment_group,
		.max_drift_ms = w->max_drift_ms,
		.update_interval_ms = w->update_interval_ms != 0 ? w->update_interval_ms : UPDATE_INTERVAL_MS,
	};
}

static bool has_callbacks(const struct tr_watermark_strategy *w)
{
	return w->generator != NULL || w->assign_time != NULL;
}

/* Tables. */

const char *tr_env_time_clauses(struct tr_env *env, const char *columns, const struct tr_watermark_strategy *w)
{
	const char *quoted;

	if (w->time_column == NULL || has_callbacks(w))
		return columns;
	quoted = tr_env_quoted(env, w->time_column);
	if (w->time_expression != NULL)
		columns = tr_arena_printf(env->arena, "%s,\n%s AS %s", columns, quoted, w->time_expression);
	if (w->has_no_watermarks)
		return columns;
	return tr_arena_printf(env->arena, "%s,\nWATERMARK FOR %s AS %s - %s", columns, quoted, quoted,
			       tr_env_interval(env->arena, w->out_of_orderness_ms + 1));
}

struct tr_stream *tr_env_time_source(struct tr_stream *stream, const struct tr_watermark_strategy *w)
{
	struct tr_node *scan = stream->node;

	if (w->time_column == NULL)
		return stream;
	if (has_callbacks(w)) {
		stream = tr_stream_assign_watermarks(stream, w);
		stream->node = scan; /* the source is what is named */
		return stream;
	}
	if (w->has_no_watermarks)
		return tr_stream_event_time(stream, w->time_column);
	if (w->idle_timeout_ms > 0)
		scan->scan.idle_timeout_ms = w->idle_timeout_ms;
	set_drift(scan, w);
	return stream;
}

/* Sources in C. */

/** The schema with hidden columns behind: of `assign_time`, and of watermarks that are said or generated. */
static const struct tr_schema *with_hidden(struct tr_env *env, const struct tr_schema *schema,
					   struct tr_source_plan_c *plan, const struct tr_watermark_strategy *w)
{
	struct tr_schema *wider = TR_NEW(env->arena, struct tr_schema);
	uint32_t count = schema->column_count;
	const struct tr_type **types = TR_NEW_ARRAY(env->arena, count + 2, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(env->arena, count + 2, const char *);

	if (count > 0) {
		memcpy(types, schema->types, count * sizeof(*types));
		memcpy(names, schema->names, count * sizeof(*names));
	}
	plan->time = plan->watermark = -1;
	if (w->assign_time != NULL) {
		types[count] = tr_type_with_precision(env->arena, TR_TYPE_TIMESTAMP, 3);
		names[count] = w->time_column;
		plan->time = (int32_t)count++;
	}
	if (plan->function.has_watermarks || w->generator != NULL) {
		types[count] = tr_type_of(TR_TYPE_BIGINT);
		names[count] = "$watermark";
		plan->watermark = (int32_t)count++;
	}
	*wider = (struct tr_schema){count, names, types};
	return wider;
}

/** What the reader does with each row. */
static void set_callbacks(struct tr_env *env, struct tr_source_plan_c *plan, const struct tr_schema *schema,
			  const struct tr_watermark_strategy *w)
{
	plan->assign_time = w->assign_time;
	plan->assign_user = w->user;
	plan->time_column = w->time_column != NULL ? tr_schema_find(schema, w->time_column) : -1;
	plan->idle_timeout_ms = w->idle_timeout_ms;
	if (w->generator == NULL)
		return;
	plan->generator = *w->generator;
	plan->generator.struct_size = sizeof(plan->generator);
	if (plan->generator.on_periodic != NULL)
		plan->periodic_ms = tr_config_integer(&env->session->config, "pipeline.auto-watermark-interval");
}

/** Binds the time, and the watermark of the bounded strategy, over what the source reads. */
static bool bind_times(struct tr_env *env, const char *what, struct tr_node *scan, const struct tr_schema *readable,
		       const struct tr_watermark_strategy *w)
{
	const char *time = w->time_expression != NULL ? tr_arena_printf(env->arena, "(%s)", w->time_expression)
						      : tr_env_quoted(env, w->time_column);
	struct tr_node *all = tr_plan_node(env->arena, TR_NODE_SCAN, NULL, 0);
	const struct tr_relation *rows, *times;

	all->output = readable;
	rows = tr_embed_relation(&env->embed, all, -1, true);
	times = tr_embed_query(&env->embed, what, rows,
			       tr_arena_printf(env->arena, "SELECT %s FROM `%s`", time, TR_EMBED_STREAM));
	if (tr_env_take_errors(env, what) || times == NULL)
		return false;
	if (times->node->kind != TR_NODE_PROJECT || times->node->inputs[0] != all ||
	    !is_time(times->node->project.exprs[0]->type)) {
		tr_env_fail(env, what, "the time expression is no TIMESTAMP(3) or TIMESTAMP_LTZ(3) over the columns");
		return false;
	}
	scan->scan.time_expr = times->node->project.exprs[0];
	scan->scan.time_name = w->time_column;
	times = tr_embed_query(&env->embed, what, rows,
			       tr_arena_printf(env->arena, "SELECT %s - %s FROM `%s`", time,
					       tr_env_interval(env->arena, w->out_of_orderness_ms + 1),
					       TR_EMBED_STREAM));
	scan->scan.watermark_expr = times->node->project.exprs[0];
	return true;
}

struct tr_stream *tr_env_scan(struct tr_env *env, const char *what, const struct tr_table_spec *spec, uint32_t count,
			      int32_t watermark, const struct tr_watermark_strategy *w)
{
	const bool is_made = w->time_expression != NULL || w->assign_time != NULL;
	const struct tr_schema *readable = spec->schema;
	struct tr_node *scan = tr_plan_node(env->arena, TR_NODE_SCAN, NULL, 0);
	struct tr_schema *output = TR_NEW(env->arena, struct tr_schema);
	const struct tr_expr **exprs = TR_NEW_ARRAY(env->arena, count + 1, const struct tr_expr *);
	const struct tr_type **types = TR_NEW_ARRAY(env->arena, count + 1, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(env->arena, count + 1, const char *);
	const struct tr_config *config = &env->session->config;
	int32_t rowtime = -1;

	scan->scan.table = spec;
	scan->scan.is_bounded = spec->connector->source->is_bounded(spec);
	scan->scan.idle_timeout_ms = w->idle_timeout_ms != 0
					     ? w->idle_timeout_ms
					     : tr_config_integer(config, "table.exec.source.idle-timeout");
	if (w->time_column != NULL && !bind_times(env, what, scan, readable, w))
		return wrong(env, what);
	for (uint32_t i = 0; i < count; i++) {
		exprs[i] = tr_expr_column(env->arena, i, readable->types[i]);
		types[i] = readable->types[i];
		names[i] = readable->names[i];
	}
	if (is_made) {
		exprs[count] = scan->scan.time_expr;
		types[count] = exprs[count]->type;
		names[count] = w->time_column;
	}
	*output = (struct tr_schema){count + is_made, names, types};
	scan->output = output;
	scan->scan.exprs = exprs;
	if (watermark >= 0) /* what is said counts at once */
		scan->scan.watermark_expr = tr_expr_column(env->arena, (uint32_t)watermark, tr_type_of(TR_TYPE_BIGINT));
	else
		scan->scan.watermark_interval_ms = tr_config_integer(config, "pipeline.auto-watermark-interval");
	if (w->has_no_watermarks)
		scan->scan.time_expr = scan->scan.watermark_expr = NULL;
	set_drift(scan, w);
	if (w->time_column != NULL)
		rowtime = tr_schema_find(output, w->time_column);
	return tr_stream_new(env, what, tr_embed_relation(&env->embed, scan, rowtime, scan->scan.is_bounded), scan);
}

struct tr_stream *tr_env_scan_function(struct tr_env *env, const char *what, const char *name,
				       const struct tr_schema *schema, struct tr_source_plan_c *plan,
				       const struct tr_watermark_strategy *w)
{
	static const struct tr_watermark_strategy none;
	/* A generator of an expression's times stands behind the source: the reader has no expressions. */
	const bool is_behind = w->generator != NULL && w->time_expression != NULL;
	const struct tr_watermark_strategy *own = is_behind ? &none : w;
	const struct tr_table_spec *spec;
	struct tr_stream *stream;

	if (own->time_column != NULL && !check_column(env, what, schema, own))
		return wrong(env, what);
	plan->column_count = schema->column_count;
	spec = tr_env_spec(env, name, &tr_connector_source_function, with_hidden(env, schema, plan, own), plan);
	set_callbacks(env, plan, schema, own);
	stream = tr_env_scan(env, what, spec, schema->column_count, plan->watermark, own);
	if (is_behind && stream->relation != NULL) {
		struct tr_node *scan = stream->node;

		stream = tr_stream_assign_watermarks(stream, w);
		stream->node = scan;
	}
	return stream;
}

/* In the middle. */

/** What the operator reads: with an expression's column behind the others. */
static const struct tr_relation *timed_rows(struct tr_stream *stream, const char *what,
					    const struct tr_watermark_strategy *w)
{
	struct tr_env *env = stream->env;
	const struct tr_relation *rows = tr_stream_rows(stream);

	if (w->time_expression == NULL)
		return rows;
	rows = tr_embed_query(&env->embed, what, rows,
			      tr_arena_printf(env->arena, "SELECT *, %s AS %s FROM `%s`", w->time_expression,
					      tr_env_quoted(env, w->time_column), TR_EMBED_STREAM));
	return tr_env_take_errors(env, what) ? NULL : rows;
}

/** The schema with the assigned time behind. */
static const struct tr_schema *with_time(struct tr_env *env, const struct tr_schema *schema, const char *name)
{
	const uint32_t count = schema->column_count;
	struct tr_schema *wider = TR_NEW(env->arena, struct tr_schema);
	const struct tr_type **types = TR_NEW_ARRAY(env->arena, count + 1, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(env->arena, count + 1, const char *);

	if (count > 0) {
		memcpy(types, schema->types, count * sizeof(*types));
		memcpy(names, schema->names, count * sizeof(*names));
	}
	types[count] = tr_type_with_precision(env->arena, TR_TYPE_TIMESTAMP, 3);
	names[count] = name;
	*wider = (struct tr_schema){count + 1, names, types};
	return wider;
}

/** The strategy, complete: without a time column it goes by the stream's own event time. NULL: it is wrong, which is told. */
static const struct tr_watermark_strategy *find_strategy(struct tr_stream *stream, const char *what,
							 const struct tr_watermark_strategy *strategy)
{
	struct tr_env *env = stream->env;
	const int32_t rowtime = tr_embed_rowtime(stream->relation);
	struct tr_watermark_strategy w = {0};
	const struct tr_watermark_strategy *copy;

	if (strategy != NULL && !tr_env_take(env, what, "tr_watermark_strategy", &w, sizeof(w), strategy))
		return NULL;
	w.struct_size = sizeof(w);
	if (w.time_column == NULL && w.time_expression == NULL && w.assign_time == NULL) {
		if (rowtime < 0) {
			tr_env_fail(env, what, "the strategy names no time_column, and %s has no event time",
				    stream->what);
			return NULL;
		}
		w.time_column = stream->relation->columns[rowtime].name;
	}
	if (w.alignment_group != NULL) {
		tr_env_fail(env, what, "only sources can be aligned");
		return NULL;
	}
	copy = tr_env_strategy(env, what, &w, NULL);
	return copy != NULL && check_column(env, what, stream->relation->node->output, copy) ? copy : NULL;
}

struct tr_stream *tr_stream_assign_watermarks(struct tr_stream *stream, const struct tr_watermark_strategy *strategy)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	const char *what = tr_arena_printf(env->arena, "watermarks %u", ++env->operator_count);
	const struct tr_watermark_strategy *w;
	const struct tr_relation *rows;
	struct tr_run_watermarks *plan;
	struct tr_node *node;
	int32_t column;

	if (!tr_stream_has_rows(stream))
		return wrong(env, what);
	w = find_strategy(stream, what, strategy);
	rows = w != NULL ? timed_rows(stream, what, w) : NULL;
	if (rows == NULL)
		return wrong(env, what);
	plan = TR_NEW(env->arena, struct tr_run_watermarks);
	node = tr_plan_node(env->arena, TR_NODE_OPERATOR, &rows->node, 1);
	node->name = what;
	node->output = w->assign_time != NULL ? with_time(env, rows->node->output, w->time_column) : rows->node->output;
	column = tr_schema_find(node->output, w->time_column);
	if (!is_time(node->output->types[column])) {
		tr_env_fail(env, what, "the time expression is no TIMESTAMP(3) or TIMESTAMP_LTZ(3)");
		return wrong(env, what);
	}
	*plan = (struct tr_run_watermarks){
		.op = {.word = "watermarks",
		       .title = "Timestamps/Watermarks",
		       .has_state = true,
		       .fingerprint = "watermarks",
		       .sets_watermarks = true,
		       .create = tr_op_watermarks_create,
		       .plan = plan},
		.node = node,
		.strategy = *w,
		.time_column = (uint32_t)column,
		.interval_ms = tr_config_integer(&env->session->config, "pipeline.auto-watermark-interval"),
		.is_bounded = rows->is_bounded,
	};
	node->custom.op = &plan->op;
	return tr_stream_new(env, what, tr_embed_relation(&env->embed, node, column, rows->is_bounded), node);
}
