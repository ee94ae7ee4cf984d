/* SPDX-License-Identifier: Apache-2.0
 *
 * Reduce over a keyed stream: a process function of our own, whose state is a row as bytes (run_fold.h).
 */
#include <stdlib.h>

#include "api/env.h"
#include "api/run_fold.h"
#include "base/check.h"
#include "tailrace/state.h"

/** Of the operator; shared. */
struct reduce {
	tr_reduce_rows_fn fold;
	void *user;
	const char *name;
};

/** Of a subtask. */
struct own {
	struct tr_value_state *row;
	struct tr_run_fold fold;
};

static tr_code open(struct tr_context *context, struct tr_status *st)
{
	const struct reduce *reduce = tr_context_user(context);
	struct own *own = tr_checked(calloc(1, sizeof(*own)));

	tr_run_fold_init(&own->fold, context->output, &context->input->keys, reduce->fold, reduce->user, reduce->name);
	tr_context_set_own(context, own);
	own->row = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "row"));
	return TR_OK;
}

static void close(struct tr_context *context)
{
	struct own *own = tr_context_own(context);

	if (own == NULL)
		return;
	tr_run_fold_deinit(&own->fold);
	free(own);
}

static tr_code on_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	uint32_t length;
	const char *so_far = tr_value_state_get_bytes(own->row, &length);
	struct tr_row result = *row;

	if (so_far != NULL)
		TR_TRY(tr_run_fold_add(&own->fold, so_far, row, &result, st));
	tr_run_fold_write(&own->fold, &result);
	tr_value_state_set_bytes(own->row, own->fold.bytes.data, (uint32_t)own->fold.bytes.length);
	tr_collector_add_row(out, &result);
	return TR_OK;
}

struct tr_stream *tr_stream_reduce(struct tr_stream *stream, tr_reduce_rows_fn fold, void *user)
{
	struct tr_env *env = tr_stream_env(stream, __func__);
	struct tr_run_function *plan = TR_NEW(env->arena, struct tr_run_function);
	struct reduce *reduce = TR_NEW(env->arena, struct reduce);

	plan->name = tr_arena_printf(env->arena, "reduce %u", ++env->operator_count);
	if (!tr_stream_has_rows(stream))
		return tr_stream_new(env, plan->name, NULL, NULL);
	if (stream->keys.count == 0 || fold == NULL) {
		tr_env_fail(env, plan->name,
			    fold == NULL ? "a function is needed" : "reduce needs a keyed stream (tr_stream_key_by)");
		return tr_stream_new(env, plan->name, NULL, NULL);
	}
	*reduce = (struct reduce){fold, user, plan->name};
	plan->kind = TR_RUN_FLAT_MAP;
	plan->is_keyed = true;
	plan->function = TR_MAKE(tr_function, .user = reduce, .open = open, .on_row = on_row, .close = close);
	return tr_stream_apply(stream, plan, "reduce", "Reduce", stream->relation->node->output);
}
