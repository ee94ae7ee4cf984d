/* SPDX-License-Identifier: Apache-2.0
 *
 * Reduce over a keyed stream: a process function of our own, whose state is a row as bytes (core/ops/value_bytes.h), column by column.
 */
#include <stdlib.h>

#include "api/env.h"
#include "base/bytes.h"
#include "base/check.h"
#include "core/ops/value_bytes.h"
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
	struct tr_batch_buffer *so_far; /* one row */
	struct tr_batch_buffer *folded; /* likewise */
	struct tr_bytes bytes;
};

static tr_code open(struct tr_context *context, struct tr_status *st)
{
	struct own *own = tr_checked(calloc(1, sizeof(*own)));

	own->so_far = tr_batch_buffer_create(context->output, 1);
	own->folded = tr_batch_buffer_create(context->output, 1);
	tr_context_set_own(context, own);
	own->row = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "row"));
	return TR_OK;
}

static void close(struct tr_context *context)
{
	struct own *own = tr_context_own(context);

	if (own == NULL)
		return;
	tr_batch_buffer_destroy(&own->so_far);
	tr_batch_buffer_destroy(&own->folded);
	tr_bytes_deinit(&own->bytes);
	free(own);
}

static tr_code keep_and_add(struct own *own, const struct tr_row *row, struct tr_collector *out)
{
	tr_bytes_clear(&own->bytes);
	for (uint32_t c = 0; c < row->batch->schema->column_count; c++)
		tr_value_bytes_append(&own->bytes, &row->batch->columns[c], row->row);
	tr_value_state_set_bytes(own->row, own->bytes.data, (uint32_t)own->bytes.length);
	tr_collector_add_row(out, row);
	return TR_OK;
}

static tr_code on_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	const struct reduce *reduce = tr_context_user(context);
	struct own *own = tr_context_own(context);
	uint32_t length;
	const char *at = tr_value_state_get_bytes(own->row, &length);
	struct tr_row so_far, folded;
	struct tr_collector into;
	const void *before;
	tr_code code;

	if (at == NULL)
		return keep_and_add(own, row, out);
	tr_batch_buffer_clear(own->so_far);
	for (uint32_t c = 0; c < context->output->column_count; c++)
		at = tr_value_bytes_take(at, &own->so_far->columns[c], 0, &own->so_far->heap);
	tr_batch_buffer_seal(own->so_far, 1);
	so_far = (struct tr_row){&own->so_far->batch, 0};
	tr_batch_buffer_clear(own->folded);
	tr_run_collector_init_source(&into, own, reduce->name, own->folded, context->output->column_count, 1);
	for (uint32_t k = 0; k < context->input->keys.count; k++)
		tr_collector_set_column(&into, context->input->keys.columns[k], row, context->input->keys.columns[k]);
	before = tr_run_enter(own);
	code = reduce->fold(reduce->user, &so_far, row, &into, st);
	if (code == TR_OK)
		tr_collector_add(&into);
	tr_run_leave(before);
	TR_TRY(code);
	if (into.has_overflown)
		TR_FAIL(st, TR_ERR_USAGE, "a reduce function sets the columns of one row, and adds none");
	tr_batch_buffer_seal(own->folded, 1);
	folded = (struct tr_row){&own->folded->batch, 0};
	return keep_and_add(own, &folded, out);
}

struct tr_stream *tr_stream_reduce(struct tr_stream *stream, tr_reduce_rows_fn fold, void *user)
{
	struct tr_env *env = stream->env;
	struct tr_run_function *plan = TR_NEW(env->arena, struct tr_run_function);
	struct reduce *reduce = TR_NEW(env->arena, struct reduce);

	plan->name = tr_arena_printf(env->arena, "reduce %u", ++env->operator_count);
	if (stream->relation == NULL)
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
