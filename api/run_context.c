/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_context.h, and include/tailrace/function.h and timer.h for what users see.
 */
#include "api/run_context.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "state/key_group.h"
#include "tailrace/connect.h"
#include "tailrace/timer.h"

_Thread_local const void *tr_run_at_hand;

void tr_run_die(const char *name, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "tailrace: operator '%s': ", name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	fflush(stderr);
	abort();
}

void tr_run_wrong_thread(const char *name)
{
	tr_run_die(name, "its context, collector or state was used outside of its callbacks, or by another thread");
}

void tr_run_context_init(struct tr_context *context, const struct tr_run_function *plan, struct tr_op_context *op,
			 const struct tr_schema *const *inputs, const struct tr_schema *output)
{
	memset(context, 0, sizeof(*context));
	context->plan = plan;
	context->op = op;
	context->input = &plan->inputs[0];
	memcpy(context->inputs, inputs, plan->input_count * sizeof(*inputs));
	context->output = output;
	context->watermark_ms = TR_WATERMARK_MIN;
	context->timestamp_ms = TR_WATERMARK_MIN;
	if (!plan->is_keyed)
		return;
	tr_run_keys_init(&context->keys, inputs[0], &plan->inputs[0].keys);
	tr_run_states_init(&context->states, context);
	for (uint32_t i = 0; i < 2; i++) {
		struct tr_table_options options = tr_run_table_options(context, (uint16_t)(TR_RUN_KIND_TIMERS + i));

		options.has_byte_keys = true;
		tr_timer_state_init(&context->timers[i], &options);
	}
	context->has_timers = true;
}

void tr_run_context_deinit(struct tr_context *context)
{
	if (!context->has_timers)
		return;
	for (uint32_t i = 0; i < 2; i++)
		tr_timer_state_deinit(&context->timers[i]);
	tr_run_states_deinit(&context->states);
	tr_run_keys_deinit(&context->keys);
}

struct tr_table_options tr_run_table_options(const struct tr_context *context, uint16_t kind)
{
	const uint32_t groups = context->op->key_groups != 0 ? context->op->key_groups : TR_KEY_GROUPS_DEFAULT;
	const uint32_t subtask = context->op->subtask, count = context->op->subtask_count;
	uint32_t first = 0, end;

	while (tr_key_group_subtask(first, groups, count) < subtask)
		first++;
	for (end = first; end < groups && tr_key_group_subtask(end, groups, count) == subtask; end++)
		;
	return (struct tr_table_options){.kind = kind, .group_count = groups, .group_first = first, .group_end = end};
}

const struct tr_run_key *tr_run_key(const struct tr_context *context)
{
	tr_run_check_context(context);
	if (!context->plan->is_keyed)
		tr_run_die(context->plan->name, "state and timers need a keyed stream (tr_stream_key_by)");
	if (context->key == NULL)
		tr_run_die(context->plan->name,
			   context->batch != NULL && !tr_run_input_has_keys(context->input)
				   ? "the rows of the broadcast side have no key: no keyed state or "
				     "timers"
				   : "there is no current key here (in on_batch: "
				     "tr_context_choose)");
	return context->key;
}

void *tr_context_user(const struct tr_context *context) { return context->plan->function.user; }
void *tr_context_own(const struct tr_context *context) { return context->own; }
void tr_context_set_own(struct tr_context *context, void *own) { context->own = own; }
uint32_t tr_context_subtask(const struct tr_context *context) { return context->op->subtask; }
uint32_t tr_context_subtask_count(const struct tr_context *context) { return context->op->subtask_count; }
const struct tr_schema *tr_context_input(const struct tr_context *context) { return context->inputs[0]; }

const struct tr_schema *tr_context_right_input(const struct tr_context *context)
{
	if (context->plan->input_count < 2)
		tr_run_die(context->plan->name, "there is one input only");
	return context->inputs[1];
}

const struct tr_schema *tr_context_output(const struct tr_context *context) { return context->output; }

int64_t tr_context_processing_time(const struct tr_context *context) { return context->op->program.processing_time_ms; }

int64_t tr_context_watermark(const struct tr_context *context) { return context->watermark_ms; }

int64_t tr_context_timestamp(const struct tr_context *context)
{
	const int32_t column = context->input->time_column;
	struct tr_row row;

	if (context->is_timer)
		return context->timestamp_ms;
	if (context->batch == NULL || column < 0)
		return TR_WATERMARK_MIN;
	row = (struct tr_row){context->batch, tr_batch_row(context->batch, context->chosen)};
	return tr_row_is_null(&row, (uint32_t)column) ? TR_WATERMARK_MIN : tr_row_i64(&row, (uint32_t)column);
}

struct tr_row tr_context_key(struct tr_context *context)
{
	(void)tr_run_key(context);
	return tr_run_keys_row(&context->keys, context->is_timer,
			       context->is_timer ? 0 : tr_batch_row(context->batch, context->chosen));
}

void tr_context_choose(struct tr_context *context, uint32_t i)
{
	tr_run_check_context(context);
	if (context->batch == NULL || i >= context->batch->selected_count)
		tr_run_die(context->plan->name, "row %u was chosen, and there is no such row at hand", i);
	if (tr_run_input_has_keys(context->input))
		tr_run_choose(context, i);
	else
		context->chosen = i;
}

struct tr_collector *tr_context_side_output(struct tr_context *context, const char *tag)
{
	tr_run_check_context(context);
	return tr_run_outputs_side(context->outputs, tag);
}

/* Timers. */

void tr_timer_set_event_time(struct tr_context *context, int64_t time_ms)
{
	tr_timer_state_add(&context->timers[TR_RUN_EVENT_TIME], time_ms, &tr_run_key(context)->bytes);
}

void tr_timer_set_processing_time(struct tr_context *context, int64_t time_ms)
{
	tr_timer_state_add(&context->timers[TR_RUN_PROCESSING_TIME], time_ms, &tr_run_key(context)->bytes);
}

void tr_timer_delete_event_time(struct tr_context *context, int64_t time_ms)
{
	tr_timer_state_remove(&context->timers[TR_RUN_EVENT_TIME], time_ms, &tr_run_key(context)->bytes);
}

void tr_timer_delete_processing_time(struct tr_context *context, int64_t time_ms)
{
	tr_timer_state_remove(&context->timers[TR_RUN_PROCESSING_TIME], time_ms, &tr_run_key(context)->bytes);
}
