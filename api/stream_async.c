/* SPDX-License-Identifier: Apache-2.0
 *
 * Async functions in the graph. include/tailrace/async.h says what users see, op_async.h is what runs.
 */
#include <inttypes.h>

#include "api/env.h"
#include "api/op_async.h"
#include "base/check.h"
#include "base/type.h"

static bool check_function(struct tr_env *env, const char *name, const struct tr_async_function *function)
{
	if (function->on_row != NULL && function->on_batch != NULL)
		tr_env_fail(env, name, "an async function has either on_row or on_batch, and this one has both");
	else if (function->on_row == NULL && function->on_batch == NULL)
		tr_env_fail(env, name, "an async function has either on_row or on_batch, and this one has none");
	else
		return true;
	return false;
}

/** Says what is wrong; what is zero becomes what it stands for. */
static bool complete_options(struct tr_env *env, const char *name, struct tr_async_options *options)
{
	struct tr_async_retry *retry = &options->retry;

	if (options->capacity == 0)
		options->capacity = TR_ASYNC_CAPACITY;
	if (retry->delay_max_ms == 0)
		retry->delay_max_ms = INT64_MAX / 4;
	if (options->capacity > TR_ASYNC_CAPACITY_MAX)
		tr_env_fail(env, name, "a capacity of %u rows; %d are the most", options->capacity,
			    TR_ASYNC_CAPACITY_MAX);
	else if (options->timeout_ms < 0)
		tr_env_fail(env, name, "a timeout of %" PRId64 " ms is negative", options->timeout_ms);
	else if (retry->delay_ms < 0 || retry->delay_max_ms < 0)
		tr_env_fail(env, name, "a delay of a retry is negative");
	else if (!(retry->multiplier >= 0))
		tr_env_fail(env, name, "a multiplier of %g is negative", retry->multiplier);
	else if (retry->retries_max > 0 && retry->on_rows == NULL && retry->on_error == NULL)
		tr_env_fail(env, name, "retries need on_rows or on_error, which say when");
	else
		return true;
	return false;
}

static const char *types_text(struct tr_arena *arena, const struct tr_schema *schema)
{
	const char *text = "";

	for (uint32_t i = 0; i < schema->column_count; i++)
		text = tr_arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "", tr_type_text(arena, schema->types[i]));
	return text;
}

struct tr_stream *tr_stream_async(struct tr_stream *stream, const char *columns,
				  const struct tr_async_function *function, const struct tr_async_options *options)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	struct tr_run_async *plan = TR_NEW(env->arena, struct tr_run_async);
	const char *name = tr_env_next_name(env, "async");
	const struct tr_schema *output;
	struct tr_stream *result;

	if (!tr_stream_has_rows(stream) ||
	    !tr_env_take(env, name, "tr_async_function", &plan->function, sizeof(plan->function), function) ||
	    !tr_env_given(env, name, columns, "columns"))
		return tr_stream_wrong(env, name);
	if (options != NULL &&
	    !tr_env_take(env, name, "tr_async_options", &plan->options, sizeof(plan->options), options))
		return tr_stream_wrong(env, name);
	if (!check_function(env, name, &plan->function) || !complete_options(env, name, &plan->options))
		return tr_stream_wrong(env, name);
	output = tr_embed_schema(&env->embed, name, columns);
	if (tr_env_take_errors(env, name) || output == NULL)
		return tr_stream_wrong(env, name);
	plan->run.name = name;
	plan->run.kind = TR_RUN_FLAT_MAP;
	plan->run.function.user = plan->function.user;
	result = tr_stream_apply(stream, &plan->run, "async", plan->options.is_unordered ? "AsyncUnordered" : "Async",
				 output);
	plan->run.op.create = tr_op_async_create;
	plan->run.op.has_state = true;
	plan->run.op.fingerprint = tr_arena_printf(env->arena, "async of (%s)",
						   types_text(env->arena, tr_stream_rows(stream)->node->output));
	return result;
}
