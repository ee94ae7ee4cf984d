/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources and sinks in C, and in memory, as ends of a graph: specs of tables for the connectors of source_function.c and
 * sink_function.c.
 */
#include <pthread.h>
#include <stdlib.h>

#include "api/env.h"
#include "base/check.h"

#define SPLITS_MAX (1 << 20)

struct tr_table_spec *tr_env_spec(struct tr_env *env, const char *name, const struct tr_connector *connector,
				  const struct tr_schema *schema, const void *context)
{
	struct tr_table_spec *spec = TR_NEW(env->arena, struct tr_table_spec);

	*spec = (struct tr_table_spec){
		.name = tr_arena_printf(env->arena, "%s", name),
		.connector = connector,
		.schema = schema,
		.time_zone = tr_session_time_zone(env->session),
		.job_id = env->embed.binder.job_id,
		.batch_rows = (uint32_t)tr_config_integer(&env->session->config, "engine.batch-rows"),
		.context = context,
	};
	return spec;
}

struct tr_stream *tr_env_from_source(struct tr_env *env, const char *name, const char *columns,
				     const struct tr_source_function *function,
				     const struct tr_watermark_strategy *watermarks)
{
	const char *what = tr_arena_printf(env->arena, "source '%s'", name != NULL ? name : "");
	struct tr_source_plan_c *plan = TR_NEW(env->arena, struct tr_source_plan_c);
	const struct tr_watermark_strategy *strategy;
	const struct tr_schema *schema;

	if (!tr_env_given(env, what, name, "name") || !tr_env_given(env, what, columns, "columns") ||
	    !tr_env_take(env, what, "tr_source_function", &plan->function, sizeof(plan->function), function))
		return tr_stream_new(env, what, NULL, NULL);
	schema = tr_embed_schema(&env->embed, what, columns);
	if (tr_env_take_errors(env, what) || schema == NULL)
		return tr_stream_new(env, what, NULL, NULL);
	if (plan->function.read == NULL || plan->function.split_count == 0 || plan->function.split_count > SPLITS_MAX) {
		tr_env_fail(env, what,
			    plan->function.read == NULL ? "a source needs `read`" : "a source has 1 to %d splits",
			    SPLITS_MAX);
		return tr_stream_new(env, what, NULL, NULL);
	}
	strategy = tr_env_strategy(env, what, watermarks, &plan->function);
	if (strategy == NULL)
		return tr_stream_new(env, what, NULL, NULL);
	return tr_env_scan_function(env, what, name, schema, plan, strategy);
}

/* Batches in memory: one split, whose positions are row numbers. */

struct batches {
	const struct tr_batch *const *items;
	uint32_t count;
};

static tr_code read_batches(void *user, void *reader, struct tr_source_reading *reading, struct tr_collector *out,
			    enum tr_read *result, struct tr_status *st)
{
	const struct batches *b = user;
	int64_t at = reading->position, total = 0;
	uint32_t left = (uint32_t)TR_MIN((int64_t)reading->rows_max, reading->limit - reading->position);

	for (uint32_t i = 0; i < b->count && left > 0; i++) {
		const struct tr_batch *batch = b->items[i];
		struct tr_batch part = *batch;
		uint32_t *rows;

		if (at >= batch->selected_count) {
			at -= batch->selected_count;
			continue;
		}
		part.selected_count = TR_MIN(batch->selected_count - (uint32_t)at, left);
		rows = tr_checked(malloc(part.selected_count * sizeof(*rows)));
		for (uint32_t k = 0; k < part.selected_count; k++)
			rows[k] = tr_batch_row(batch, (uint32_t)at + k);
		part.selection = rows;
		tr_collector_add_batch(out, &part);
		free(rows);
		reading->position += part.selected_count;
		left -= part.selected_count;
		at = 0;
	}
	for (uint32_t i = 0; i < b->count; i++)
		total += b->items[i]->selected_count;
	*result = reading->position >= total ? TR_READ_END : TR_READ_MORE;
	return TR_OK;
}

/** Whether a batch has the first `count` columns. */
static bool fits(const struct tr_schema *a, const struct tr_schema *b, uint32_t count)
{
	if (a->column_count != count)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (!tr_type_equals_ignoring_null(a->types[i], b->types[i]))
			return false;
	return true;
}

struct tr_stream *tr_env_from_batches(struct tr_env *env, const char *name, const char *columns,
				      const struct tr_batch *const *batches, uint32_t count,
				      const struct tr_watermark_strategy *watermarks)
{
	struct batches *b = TR_NEW(env->arena, struct batches);
	const struct tr_batch **items = TR_NEW_ARRAY(env->arena, count + 1, const struct tr_batch *);
	const struct tr_source_function function =
		TR_MAKE(tr_source_function, .user = b, .split_count = 1, .read = read_batches);
	struct tr_stream *stream = tr_env_from_source(env, name, columns, &function, watermarks);

	for (uint32_t i = 0; i < count; i++) {
		if (batches != NULL && batches[i] != NULL)
			continue;
		tr_env_fail(env, stream->what, "batch %u is NULL", i);
		return tr_stream_new(env, stream->what, NULL, NULL);
	}
	if (count > 0)
		memcpy(items, batches, count * sizeof(*items));
	*b = (struct batches){items, count};
	for (uint32_t i = 0; stream->relation != NULL && i < count; i++) {
		const struct tr_table_spec *spec = stream->node->scan.table;
		const struct tr_source_plan_c *plan = spec->context;

		if (fits(batches[i]->schema, spec->schema, plan->column_count))
			continue;
		tr_env_fail(env, stream->what, "batch %u has other columns than were declared", i);
		return tr_stream_new(env, stream->what, NULL, NULL);
	}
	if (stream->node != NULL) /* one split has one reader */
		stream->node->given_parallelism = 1;
	return stream;
}

/* Sinks. */

struct tr_stream *tr_env_add_sink(struct tr_env *env, const char *what, struct tr_node *sink)
{
	if (env->sink_count == TR_PLAN_INPUTS_MAX) {
		tr_env_fail(env, what, "more than %d sinks", TR_PLAN_INPUTS_MAX);
		return tr_stream_new(env, what, NULL, NULL);
	}
	env->sinks[env->sink_count++] = sink;
	env->plan = NULL;
	return tr_stream_new(env, what, NULL, sink);
}

struct tr_stream *tr_stream_sink_to(struct tr_stream *stream, const char *name, const struct tr_sink_function *function)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	const char *what = tr_arena_printf(env->arena, "sink '%s'", name != NULL ? name : "");
	struct tr_sink_function *copy = TR_NEW(env->arena, struct tr_sink_function);
	const struct tr_relation *rows;
	struct tr_node *sink;

	if (!tr_stream_has_rows(stream) || !tr_env_given(env, what, name, "name") ||
	    !tr_env_take(env, what, "tr_sink_function", copy, sizeof(*copy), function))
		return tr_stream_new(env, what, NULL, NULL);
	if (copy->write == NULL || (copy->prepare == NULL) != (copy->commit == NULL) ||
	    (copy->prepare == NULL) != (copy->recover == NULL)) {
		tr_env_fail(env, what,
			    copy->write == NULL ? "a sink needs `write`" : "prepare, commit and recover go together");
		return tr_stream_new(env, what, NULL, NULL);
	}
	rows = tr_stream_rows(stream);
	sink = tr_plan_node(env->arena, TR_NODE_SINK, &rows->node, 1);
	sink->sink.table =
		tr_env_spec(env, name, copy->prepare != NULL ? &tr_connector_sink_exact : &tr_connector_sink_function,
			    rows->node->output, copy);
	sink->parallelism = 0; /* as its input */
	return tr_env_add_sink(env, what, sink);
}

/* Rows in memory. */

struct tr_collected {
	struct tr_collected *next;
	struct tr_owned_batch **batches; /* by the one writer, while the job runs */
	uint32_t count, room;
};

static tr_code open_collected(void *user, const struct tr_schema *schema, uint32_t subtask, void **writer,
			      struct tr_status *st)
{
	*writer = user;
	return TR_OK;
}

static tr_code collect(void *writer, const struct tr_batch *batch, struct tr_status *st)
{
	struct tr_collected *c = writer;

	if (c->count == c->room) {
		c->room = TR_MAX(16u, 2 * c->room);
		c->batches = tr_checked(realloc(c->batches, c->room * sizeof(struct tr_owned_batch *)));
	}
	c->batches[c->count++] = tr_batch_copy(batch);
	return TR_OK;
}

struct tr_collected *tr_stream_collect(struct tr_stream *stream)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	struct tr_collected *collected = tr_checked(calloc(1, sizeof(*collected)));
	const struct tr_sink_function function =
		TR_MAKE(tr_sink_function, .user = collected, .open = open_collected, .write = collect);
	const char *name = tr_arena_printf(env->arena, "collect %u", ++env->table_count);

	collected->next = env->collected;
	env->collected = collected;
	(void)tr_stream_parallelism(tr_stream_sink_to(stream, name, &function), 1);
	return collected;
}

const struct tr_batch *tr_collected_batch(const struct tr_collected *collected, uint32_t i)
{
	return i < collected->count ? tr_owned_batch_get(collected->batches[i]) : NULL;
}

uint32_t tr_collected_count(const struct tr_collected *collected) { return collected->count; }

void tr_collected_destroy(struct tr_collected **list)
{
	while (*list != NULL) {
		struct tr_collected *first = *list;

		*list = first->next;
		for (uint32_t i = 0; i < first->count; i++)
			tr_owned_batch_release(&first->batches[i]);
		free(first->batches);
		free(first);
	}
}
