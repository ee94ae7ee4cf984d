/* SPDX-License-Identifier: Apache-2.0
 *
 * Interval join of two keyed streams: a function of our own with two inputs. include/tailrace/join.h says what users see.
 *
 *     row of time t ──▶ kept with its side's rows, by (time, number)      timer: when no row that is still to come can join it
 *          └─▶ rows of the other side from t + lower to t + upper (of the right side: from t - upper to t - lower) ──▶ join
 *
 * Rows are kept in a map state for each side, whose order is that of their times, so that a row looks at those of its interval only. They
 * are bytes (core/ops/value_bytes.h, column by column). The number tells rows of one time apart; it begins anew when a key has no
 * rows left.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "api/env.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/type.h"
#include "core/ops/value_bytes.h"
#include "tailrace/join.h"
#include "tailrace/state.h"
#include "tailrace/timer.h"

enum { LEFT, RIGHT };

/** Of the operator; shared. */
struct interval_join {
	struct tr_run_function run; /* first: the plan of the context */
	tr_join_fn join;
	/* Of a row of side s, rows of the other side from t + from[s] to t + to[s] join it. */
	int64_t from_ms[2], to_ms[2];
	const char *late_tags[2];
};

/** Of a subtask. */
struct tr_run_join {
	struct tr_map_state *rows[2];
	struct tr_value_state *count;
	struct tr_batch_buffer *other[2]; /* one row of each side, read from its state */
	struct tr_bytes bytes;
};

/** A row's place in its map: its time, so that bytes have its order, and its number. */
struct place {
	unsigned char bytes[16];
};
#define TIME_BYTES 8

static void put_big(unsigned char *to, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		to[i] = (unsigned char)value;
}

static struct place place_of(int64_t time_ms, uint64_t number)
{
	struct place place;

	put_big(place.bytes, (uint64_t)time_ms ^ (UINT64_C(1) << 63));
	put_big(place.bytes + TIME_BYTES, number);
	return place;
}

static int64_t time_of(const void *place)
{
	const unsigned char *bytes = place;
	uint64_t value = 0;

	for (int i = 0; i < TIME_BYTES; i++)
		value = value << 8 | bytes[i];
	return (int64_t)(value ^ (UINT64_C(1) << 63));
}

/** Not beyond what a time can be. */
static int64_t add_ms(int64_t a, int64_t b)
{
	int64_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return b > 0 ? INT64_MAX : INT64_MIN;
}

static tr_code open(struct tr_context *context, struct tr_status *st)
{
	struct tr_run_join *own = tr_checked(calloc(1, sizeof(*own)));

	context->join = own;
	for (uint32_t side = 0; side < 2; side++) {
		own->other[side] = tr_batch_buffer_create(context->inputs[side], 1);
		own->rows[side] = tr_map_state_create(
			context, &TR_MAKE(tr_state_descriptor, .name = side == LEFT ? "left-rows" : "right-rows"));
	}
	own->count = tr_value_state_create(
		context, &TR_MAKE(tr_state_descriptor, .name = "count", .value_bytes = sizeof(uint64_t)));
	return TR_OK;
}

static void close(struct tr_context *context)
{
	struct tr_run_join *own = context->join;

	if (own == NULL)
		return;
	for (uint32_t side = 0; side < 2; side++)
		tr_batch_buffer_destroy(&own->other[side]);
	tr_bytes_deinit(&own->bytes);
	free(own);
}

/* Rows. */

/** Until when rows of a side are kept, after their time. */
static int64_t kept_ms(const struct interval_join *plan, uint32_t side) { return TR_MAX(plan->to_ms[side], 0); }

static void keep(struct tr_context *context, uint32_t side, const struct tr_row *row, int64_t time_ms)
{
	const struct interval_join *plan = (const struct interval_join *)context->plan;
	struct tr_run_join *own = context->join;
	uint64_t *count = tr_value_state_put(own->count);
	const struct place place = place_of(time_ms, (*count)++);

	tr_bytes_clear(&own->bytes);
	for (uint32_t c = 0; c < context->inputs[side]->column_count; c++)
		tr_value_bytes_append(&own->bytes, &row->batch->columns[c], row->row);
	tr_map_state_put(own->rows[side], place.bytes, sizeof(place.bytes), own->bytes.data,
			 (uint32_t)own->bytes.length);
	tr_timer_set_event_time(context, add_ms(time_ms, kept_ms(plan, side)));
}

/** Joins a row with a row of the other side, which is bytes. */
static tr_code join_with(struct tr_context *context, uint32_t side, const struct tr_row *row, int64_t time_ms,
			 const char *bytes, struct tr_collector *out, struct tr_status *st)
{
	const struct interval_join *plan = (const struct interval_join *)context->plan;
	struct tr_batch_buffer *buffer = context->join->other[1 - side];
	struct tr_row other;
	tr_code code;

	tr_batch_buffer_clear(buffer);
	for (uint32_t c = 0; c < context->inputs[1 - side]->column_count; c++)
		bytes = tr_value_bytes_take(bytes, &buffer->columns[c], 0, &buffer->heap);
	tr_batch_buffer_seal(buffer, 1);
	other = (struct tr_row){&buffer->batch, 0};
	context->timestamp_ms = time_ms;
	context->is_firing = true;
	code = side == LEFT ? plan->join(context, row, &other, out, st) : plan->join(context, &other, row, out, st);
	context->is_firing = false;
	return code;
}

static tr_code join_all(struct tr_context *context, uint32_t side, const struct tr_row *row, int64_t time_ms,
			struct tr_collector *out, struct tr_status *st)
{
	const struct interval_join *plan = (const struct interval_join *)context->plan;
	struct tr_map_state *others = context->join->rows[1 - side];
	const int64_t to_ms = add_ms(time_ms, plan->to_ms[side]);
	struct place at = place_of(add_ms(time_ms, plan->from_ms[side]), 0);
	uint32_t at_length = TIME_BYTES, length; /* the time alone comes before all rows of it */
	const void *place, *bytes;

	while (tr_map_state_next(others, at.bytes, at_length, &place, &at_length, &bytes, &length) &&
	       time_of(place) <= to_ms) {
		memcpy(at.bytes, place, sizeof(at.bytes));
		TR_TRY(join_with(context, side, row, TR_MAX(time_ms, time_of(at.bytes)), bytes, out, st));
	}
	return TR_OK;
}

static tr_code on_row(struct tr_context *context, uint32_t side, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	const struct interval_join *plan = (const struct interval_join *)context->plan;
	const int64_t time_ms = tr_context_timestamp(context);

	if (time_ms == TR_WATERMARK_MIN)
		TR_FAIL(st, TR_ERR_DATA, "a row of the %s side has no time, which an interval join needs",
			side == LEFT ? "left" : "right");
	if (time_ms < tr_context_watermark(context)) {
		out->op->metrics.rows_late++;
		if (plan->late_tags[side] != NULL)
			tr_collector_add_row(tr_context_side_output(context, plan->late_tags[side]), row);
		return TR_OK;
	}
	keep(context, side, row, time_ms);
	return join_all(context, side, row, time_ms, out, st);
}

static tr_code on_left_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			   struct tr_status *st)
{
	return on_row(context, LEFT, row, out, st);
}

static tr_code on_right_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			    struct tr_status *st)
{
	return on_row(context, RIGHT, row, out, st);
}

/** The rows of a side that no row to come can join go. True: none are left. */
static bool drop_until(struct tr_map_state *rows, int64_t time_ms)
{
	const void *place, *bytes;
	uint32_t place_length, length;

	while (tr_map_state_next(rows, NULL, 0, &place, &place_length, &bytes, &length)) {
		struct place at;

		if (time_of(place) > time_ms)
			return false;
		memcpy(at.bytes, place, sizeof(at.bytes));
		tr_map_state_remove(rows, at.bytes, sizeof(at.bytes));
	}
	return true;
}

static tr_code on_timer(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			struct tr_status *st)
{
	const struct interval_join *plan = (const struct interval_join *)context->plan;
	bool is_empty = true;

	for (uint32_t side = 0; side < 2; side++)
		is_empty &= drop_until(context->join->rows[side], add_ms(timer->time_ms, -kept_ms(plan, side)));
	if (is_empty)
		tr_value_state_clear(context->join->count);
	return TR_OK;
}

/* The graph. */

static const char *types_text(struct tr_arena *arena, const struct tr_schema *schema)
{
	const char *text = "";

	for (uint32_t i = 0; i < schema->column_count; i++)
		text = tr_arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "", tr_type_text(arena, schema->types[i]));
	return text;
}

/** What is wrong; NULL: nothing. */
static const char *check(const struct tr_stream *left, const struct tr_stream *right, int64_t lower_ms, int64_t upper_ms)
{
	struct tr_arena *arena = left->env->arena;
	const struct tr_stream *const sides[] = {left, right};

	for (uint32_t side = 0; side < 2; side++) {
		if (sides[side]->keys.count == 0)
			return tr_arena_printf(arena, "%s is not keyed (tr_stream_key_by)", sides[side]->what);
		if (tr_embed_rowtime(sides[side]->relation) < 0)
			return tr_arena_printf(arena, "%s has no event time", sides[side]->what);
	}
	if (lower_ms > upper_ms)
		return tr_arena_printf(arena, "the interval from %" PRId64 " to %" PRId64 " ms ends before it begins",
				       lower_ms, upper_ms);
	if (lower_ms < -TR_INTERVAL_MS_MAX || upper_ms > TR_INTERVAL_MS_MAX)
		return tr_arena_printf(arena, "the interval from %" PRId64 " to %" PRId64 " ms reaches too far",
				       lower_ms, upper_ms);
	return tr_stream_keys_problem(left, right);
}

static struct interval_join *make_plan(struct tr_env *env, const char *name, int64_t lower_ms, int64_t upper_ms,
				       tr_join_fn join, void *user, const struct tr_interval_options *options)
{
	struct interval_join *plan = TR_NEW(env->arena, struct interval_join);

	lower_ms += options->is_lower_exclusive;
	upper_ms -= options->is_upper_exclusive;
	plan->join = join;
	plan->from_ms[LEFT] = lower_ms;
	plan->to_ms[LEFT] = upper_ms;
	plan->from_ms[RIGHT] = -upper_ms;
	plan->to_ms[RIGHT] = -lower_ms;
	plan->late_tags[LEFT] =
		options->left_late_tag != NULL ? tr_arena_printf(env->arena, "%s", options->left_late_tag) : NULL;
	plan->late_tags[RIGHT] =
		options->right_late_tag != NULL ? tr_arena_printf(env->arena, "%s", options->right_late_tag) : NULL;
	plan->run.name = name;
	plan->run.kind = TR_RUN_FLAT_MAP;
	plan->run.is_keyed = true;
	plan->run.function = TR_MAKE(tr_function, .user = user, .open = open, .on_timer = on_timer, .close = close);
	plan->run.input_count = 2;
	plan->run.inputs[LEFT].on_row = on_left_row;
	plan->run.inputs[RIGHT].on_row = on_right_row;
	return plan;
}

struct tr_stream *tr_stream_interval_join(struct tr_stream *left, struct tr_stream *right, int64_t lower_ms,
					  int64_t upper_ms, const char *columns, tr_join_fn join, void *user,
					  const struct tr_interval_options *options)
{
	struct tr_env *env = tr_stream_env(left, __func__);
	const char *name = tr_env_next_name(env, "interval join");
	struct tr_interval_options whole = {0};
	const struct tr_relation *inputs[2];
	const struct tr_schema *output;
	struct interval_join *plan;
	struct tr_stream *result;
	const char *problem;

	if (tr_stream_env(right, __func__) != env) {
		tr_env_fail(env, name, "%s is of another environment", right->what);
		return tr_stream_wrong(env, name);
	}
	if (!tr_stream_has_rows(left) || !tr_stream_has_rows(right) || !tr_env_given(env, name, columns, "columns") ||
	    !tr_env_given(env, name, join != NULL ? name : NULL, "join"))
		return tr_stream_wrong(env, name);
	if (options != NULL && !tr_env_take(env, name, "tr_interval_options", &whole, sizeof(whole), options))
		return tr_stream_wrong(env, name);
	problem = check(left, right, lower_ms, upper_ms);
	if (problem != NULL) {
		tr_env_fail(env, name, "%s", problem);
		return tr_stream_wrong(env, name);
	}
	output = tr_embed_schema(&env->embed, name, columns);
	if (tr_env_take_errors(env, name) || output == NULL)
		return tr_stream_wrong(env, name);
	plan = make_plan(env, name, lower_ms, upper_ms, join, user, &whole);
	inputs[LEFT] = left->relation;
	inputs[RIGHT] = right->relation;
	plan->run.inputs[LEFT].keys = left->keys;
	plan->run.inputs[RIGHT].keys = right->keys;
	result = tr_stream_apply_to(env, inputs, &plan->run, "join", "IntervalJoin", output);
	result->op = &plan->run.op;
	plan->run.op.fingerprint =
		tr_arena_printf(env->arena, "interval join from %" PRId64 " to %" PRId64 " ms by (%s) of (%s) and (%s)",
				plan->from_ms[LEFT], plan->to_ms[LEFT], plan->run.op.fingerprint,
				types_text(env->arena, inputs[LEFT]->node->output),
				types_text(env->arena, inputs[RIGHT]->node->output));
	return result;
}
