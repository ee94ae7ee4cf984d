/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_context.h, and include/tailrace/function.h and timer.h for what users see.
 */
#include "api/run_context.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/type.h"
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

void tr_run_mistake(const char *format, ...)
{
	const struct tr_run_hand *hand = tr_run_at_hand;
	char text[TR_STATUS_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (hand == NULL) {
		fprintf(stderr, "tailrace: outside of any operator's callback: %s\n", text);
		abort();
	}
	if (hand->failure->code == TR_OK)
		(void)tr_status_set(hand->failure, TR_ERR_USAGE, 0, TR_WHERE, "%s", text);
}

tr_code tr_run_answer(tr_code code, struct tr_status *st)
{
	if (strcmp(tr_code_name(code), tr_code_name((tr_code)-1)) == 0)
		return tr_status_set(st, TR_ERR_USAGE, 0, TR_WHERE, "it has answered with %d, which is no tr_code",
				     (int)code);
	if (st->code == TR_OK)
		return tr_status_set(st, code, 0, TR_WHERE, "it has failed with %s and no message", tr_code_name(code));
	st->code = code;
	return code;
}

void *tr_run_scratch(enum tr_run_scratch what)
{
	static const size_t offsets[] = {0, TR_BATCH_ROWS_MAX * sizeof(struct tr_view),
					 TR_BATCH_ROWS_MAX * sizeof(struct tr_view) + TR_RUN_VALUE_BYTES_MAX};
	struct tr_run_hand *hand = (struct tr_run_hand *)(uintptr_t)tr_run_at_hand;

	if (hand->scratch == NULL)
		hand->scratch =
			tr_checked(calloc(1, offsets[TR_RUN_SCRATCH_POINTERS] + TR_BATCH_ROWS_MAX * sizeof(void *)));
	return hand->scratch + offsets[what];
}

void tr_run_hand_deinit(struct tr_run_hand *hand)
{
	free(hand->scratch);
	hand->scratch = NULL;
}

int64_t tr_row_mismatch(const struct tr_row *row, uint32_t column, const char *asked)
{
	const struct tr_schema *schema = row->batch->schema;
	struct tr_arena arena;

	tr_arena_init(&arena, 0);
	if (column >= schema->column_count)
		tr_run_mistake("column %u was read, and there are %u", column, schema->column_count);
	else
		tr_run_mistake("column '%s' is %s, and was read as %s", schema->names[column],
			       tr_type_text(&arena, row->batch->columns[column].type), asked);
	tr_arena_deinit(&arena);
	return 0;
}

const struct tr_view *tr_row_no_text(const struct tr_row *row, uint32_t column)
{
	static const struct tr_view none;

	(void)tr_row_mismatch(row, column, "a text");
	return &none;
}

void tr_run_context_init(struct tr_context *context, const struct tr_run_function *plan, struct tr_op_context *op,
			 const struct tr_schema *const *inputs, const struct tr_schema *output)
{
	memset(context, 0, sizeof(*context));
	context->hand = (struct tr_run_hand){.name = plan->name, .failure = &context->failure};
	context->plan = plan;
	context->op = op;
	context->input = &plan->inputs[0];
	memcpy(context->inputs, inputs, plan->input_count * sizeof(*inputs));
	context->output = output;
	context->watermark_ms = TR_WATERMARK_MIN;
	context->timestamp_ms = TR_WATERMARK_MIN;
	tr_run_states_init(&context->states, context);
	if (!plan->is_keyed)
		return;
	tr_run_keys_init(&context->keys, inputs[0], &plan->inputs[0].keys);
	for (uint32_t i = 0; i < 2; i++) {
		struct tr_table_options options = tr_run_table_options(context, (uint16_t)(TR_RUN_KIND_TIMERS + i));

		options.has_byte_keys = true;
		tr_timer_state_init(&context->timers[i], &options);
	}
	context->has_timers = true;
}

void tr_run_context_deinit(struct tr_context *context)
{
	tr_run_hand_deinit(&context->hand);
	tr_run_states_deinit(&context->states);
	tr_run_broadcasts_deinit(&context->broadcasts);
	if (!context->has_timers)
		return;
	for (uint32_t i = 0; i < 2; i++)
		tr_timer_state_deinit(&context->timers[i]);
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
		tr_run_mistake("state and timers need a keyed stream (tr_stream_key_by)");
	else if (context->key == NULL)
		tr_run_mistake(context->batch != NULL && !tr_run_input_has_keys(context->input)
				       ? "the rows of the broadcast side have no key: no keyed state or timers"
				       : "state or a timer was used, and there is no current key here (in on_batch: "
					 "tr_context_choose)");
	return context->key;
}

#define GETTER(type, name, value)                   \
	type name(const struct tr_context *context) \
	{                                           \
		tr_run_check_context(context);      \
		return value;                       \
	}
GETTER(void *, tr_context_user, context->plan->function.user)
GETTER(void *, tr_context_own, context->own)
GETTER(uint32_t, tr_context_subtask, context->op->subtask)
GETTER(uint32_t, tr_context_subtask_count, context->op->subtask_count)
GETTER(const struct tr_schema *, tr_context_input, context->inputs[0])
GETTER(const struct tr_schema *, tr_context_output, context->output)
GETTER(int64_t, tr_context_processing_time, context->op->program.processing_time_ms)
GETTER(int64_t, tr_context_watermark, context->watermark_ms)

bool tr_context_is_restored(const struct tr_context *context)
{
	tr_run_check_context(context);
	return context->op->restored_checkpoint != 0;
}

static const struct tr_schema no_columns;

const struct tr_schema *tr_context_right_input(const struct tr_context *context)
{
	tr_run_check_context(context);
	if (context->plan->input_count < 2)
		tr_run_mistake("there is one input only");
	return context->plan->input_count < 2 ? &no_columns : context->inputs[1];
}

void tr_context_set_own(struct tr_context *context, void *own)
{
	tr_run_check_context(context);
	context->own = own;
}

int64_t tr_context_timestamp(const struct tr_context *context)
{
	const int32_t column = context->input->time_column;
	struct tr_row row;

	tr_run_check_context(context);
	if (context->is_timer || context->is_firing)
		return context->timestamp_ms;
	if (context->batch == NULL || column < 0)
		return TR_WATERMARK_MIN;
	row = (struct tr_row){context->batch, tr_batch_row(context->batch, context->chosen)};
	return tr_row_is_null(&row, (uint32_t)column) ? TR_WATERMARK_MIN : tr_row_i64(&row, (uint32_t)column);
}

struct tr_row tr_context_key(struct tr_context *context)
{
	static const struct tr_batch no_row = {.schema = &no_columns};

	if (tr_run_key(context) == NULL)
		return (struct tr_row){&no_row, 0};
	return tr_run_keys_row(&context->keys, context->is_timer,
			       context->is_timer ? 0 : tr_batch_row(context->batch, context->chosen));
}

void tr_context_choose(struct tr_context *context, uint32_t i)
{
	tr_run_check_context(context);
	if (context->batch == NULL || i >= context->batch->selected_count)
		tr_run_mistake("row %u was chosen, and there is no such row at hand", i);
	else if (tr_run_input_has_keys(context->input))
		tr_run_choose(context, i);
	else
		context->chosen = i;
}

struct tr_collector *tr_context_side_output(struct tr_context *context, const char *tag)
{
	tr_run_check_context(context);
	if (tag == NULL)
		tr_run_mistake("the tag of a side output is NULL");
	return tr_run_outputs_side(context->outputs, tag != NULL ? tag : "");
}

/* Timers. */

/** The key for which a timer is set or deleted; NULL: that is a mistake. */
static const struct tr_table_key *timer_key(struct tr_context *context)
{
	const struct tr_run_key *key = tr_run_key(context);

	if (key != NULL && context->windows != NULL) {
		tr_run_mistake("window functions have no timers; triggers have (trigger.h)");
		return NULL;
	}
	if (key != NULL && context->plan->function.on_timer == NULL) {
		tr_run_mistake("a timer was set, and the function has no on_timer");
		return NULL;
	}
	return key != NULL ? &key->bytes : NULL;
}

static void set_timer(struct tr_context *context, uint32_t which, int64_t time_ms)
{
	const struct tr_table_key *key = timer_key(context);

	if (key == NULL)
		return;
	if (which == TR_RUN_EVENT_TIME && context->plan->is_timeless) {
		tr_run_mistake(
			"a timer of event time was set, and no input has event time: give the source a watermark "
			"strategy (watermark.h), or name the column of event time by tr_stream_event_time");
		return;
	}
	tr_timer_state_add(&context->timers[which], time_ms, key);
}

static void delete_timer(struct tr_context *context, uint32_t which, int64_t time_ms)
{
	const struct tr_table_key *key = timer_key(context);

	if (key != NULL)
		tr_timer_state_remove(&context->timers[which], time_ms, key);
}

void tr_timer_set_event_time(struct tr_context *context, int64_t time_ms)
{
	set_timer(context, TR_RUN_EVENT_TIME, time_ms);
}

void tr_timer_set_processing_time(struct tr_context *context, int64_t time_ms)
{
	set_timer(context, TR_RUN_PROCESSING_TIME, time_ms);
}

void tr_timer_delete_event_time(struct tr_context *context, int64_t time_ms)
{
	delete_timer(context, TR_RUN_EVENT_TIME, time_ms);
}

void tr_timer_delete_processing_time(struct tr_context *context, int64_t time_ms)
{
	delete_timer(context, TR_RUN_PROCESSING_TIME, time_ms);
}
