/* SPDX-License-Identifier: Apache-2.0
 *
 * Connected streams: one function over two inputs, the second of which may be broadcast. include/tailrace/connect.h and broadcast.h
 * say what users see; in the plan it is an OPERATOR with two
 * inputs (core/operator.h), which begins a stage.
 */
#include "api/env.h"
#include "base/type.h"
#include "tailrace/broadcast.h"

const char *tr_stream_keys_problem(const struct tr_stream *left, const struct tr_stream *right)
{
	struct tr_arena *arena = left->env->arena;

	if (left->keys.count != right->keys.count)
		return left->keys.count == 0 || right->keys.count == 0
			       ? "both streams are keyed, or neither is (tr_stream_key_by)"
			       : tr_arena_printf(arena, "the left stream has %u key columns, the right one %u",
						 left->keys.count, right->keys.count);
	for (uint32_t i = 0; i < left->keys.count; i++) {
		const struct tr_type *a = left->relation->node->output->types[left->keys.columns[i]];
		const struct tr_type *b = right->relation->node->output->types[right->keys.columns[i]];

		if (!tr_type_equals_ignoring_null(a, b))
			return tr_arena_printf(arena, "key column %u is %s on the left and %s on the right", i + 1,
					       tr_type_text(arena, a), tr_type_text(arena, b));
	}
	return NULL;
}

static const char *check_function(const struct tr_co_function *f, bool is_keyed)
{
	if ((f->on_left_row == NULL) == (f->on_left_batch == NULL) ||
	    (f->on_right_row == NULL) == (f->on_right_batch == NULL))
		return "a function has either a callback for rows or one for batches, of each side";
	if (f->on_timer != NULL && !is_keyed)
		return "on_timer needs keyed streams (tr_stream_key_by)";
	return NULL;
}

/** The plan of an operator over both. NULL: reported. */
static struct tr_run_function *make_plan(struct tr_env *env, const char *name, const struct tr_co_function *function,
					 bool is_keyed)
{
	struct tr_run_function *plan = TR_NEW(env->arena, struct tr_run_function);
	struct tr_co_function f = {0};
	const char *problem;

	if (!tr_env_take(env, name, "tr_co_function", &f, sizeof(f), function))
		return NULL;
	problem = check_function(&f, is_keyed);
	if (problem != NULL) {
		tr_env_fail(env, name, "%s", problem);
		return NULL;
	}
	plan->name = name;
	plan->kind = TR_RUN_FLAT_MAP;
	plan->is_keyed = is_keyed;
	plan->function = TR_MAKE(tr_function, .user = f.user, .open = f.open, .on_timer = f.on_timer,
				 .on_end = f.on_end, .close = f.close, .on_start = f.on_start);
	plan->input_count = 2;
	plan->inputs[0] = (struct tr_run_input){.on_row = f.on_left_row, .on_batch = f.on_left_batch};
	plan->inputs[1] = (struct tr_run_input){.on_row = f.on_right_row, .on_batch = f.on_right_batch};
	return plan;
}

/** Both ways of connecting: `what` names the operator and is its word, too. */
static struct tr_stream *connect(struct tr_stream *left, struct tr_stream *right, const char *columns,
				 const struct tr_co_function *function, const char *what, bool is_broadcast,
				 const char *called)
{
	static const char *const titles[2][2] = {{"CoProcess", "KeyedCoProcess"},
						 {"BroadcastProcess", "KeyedBroadcastProcess"}};
	struct tr_env *env = tr_stream_env(left, called);
	const char *name = tr_env_next_name(env, what);
	const bool is_keyed = left->keys.count > 0;
	const struct tr_relation *inputs[2];
	struct tr_run_function *plan;
	const struct tr_schema *output;
	struct tr_stream *result;
	const char *problem;

	if (tr_stream_env(right, called) != env) {
		tr_env_fail(env, name, "%s is of another environment", right->what);
		return tr_stream_wrong(env, name);
	}
	if (!tr_stream_has_rows(left) || !tr_stream_has_rows(right) || !tr_env_given(env, name, columns, "columns"))
		return tr_stream_wrong(env, name);
	problem = is_broadcast ? NULL : tr_stream_keys_problem(left, right);
	if (problem != NULL) {
		tr_env_fail(env, name, "%s", problem);
		return tr_stream_wrong(env, name);
	}
	plan = make_plan(env, name, function, is_keyed);
	if (plan == NULL)
		return tr_stream_wrong(env, name);
	output = tr_embed_schema(&env->embed, name, columns);
	if (tr_env_take_errors(env, name) || output == NULL)
		return tr_stream_wrong(env, name);
	inputs[0] = left->relation;
	inputs[1] = right->relation;
	plan->inputs[0].keys = left->keys;
	if (is_broadcast)
		inputs[1] = tr_stream_over(env, right->relation,
					   tr_stream_exchange(env, right->relation->node, TR_EXCHANGE_BROADCAST, NULL));
	else
		plan->inputs[1].keys = right->keys;
	plan->has_broadcast = is_broadcast;
	result = tr_stream_apply_to(env, inputs, plan, what, titles[is_broadcast][is_keyed], output);
	result->op = &plan->op;
	return result;
}

struct tr_stream *tr_stream_connect_process(struct tr_stream *left, struct tr_stream *right, const char *columns,
					    const struct tr_co_function *function)
{
	return connect(left, right, columns, function, "connect", false, __func__);
}

struct tr_stream *tr_stream_connect_broadcast(struct tr_stream *left, struct tr_stream *right, const char *columns,
					      const struct tr_co_function *function)
{
	return connect(left, right, columns, function, "broadcast", true, __func__);
}
