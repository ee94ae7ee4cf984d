/* SPDX-License-Identifier: Apache-2.0
 *
 * States with one value a key: value, reducing, aggregating. See run_states.h for how batches are looked up, and
 * include/tailrace/state.h for what users see.
 */
#include <stdlib.h>

#include "api/run_context.h"
#include "api/run_guard.h"
#include "base/check.h"

/* Of a batch whose rows have used a state less often than in one of so many, the next is looked up row by row. */
#define RARE 4

static inline bool *has_of(const struct tr_run_state *state, void *value)
{
	return (bool *)value + state->descriptor.value_bytes;
}

/** All rows of the batch at hand from `first` on. */
static void bind(struct tr_run_state *state, uint32_t first)
{
	struct tr_run_keys *keys = &state->context->keys;
	const uint32_t n = keys->count - first;

	if (state->room < keys->count) {
		state->room = TR_MAX(keys->count, 2 * state->room);
		state->values = tr_checked(realloc(state->values, state->room * sizeof(*state->values)));
		state->is_new = tr_checked(realloc(state->is_new, state->room * sizeof(*state->is_new)));
		if (!state->has_int_keys)
			state->spans = tr_checked(realloc(state->spans, state->room * sizeof(*state->spans)));
	}
	state->first = first;
	state->is_bound = true;
	state->used = 0;
	if (state->has_int_keys) {
		TR_ASSERT(tr_table_upsert_i64(state->table, keys->ints + first, n, state->values + first,
					      state->is_new + first) == TR_FLOW_MORE);
		return;
	}
	for (uint32_t i = first; i < keys->count; i++)
		state->spans[i] = (struct tr_table_value){NULL, state->descriptor.value_bytes + 1};
	TR_ASSERT(tr_table_upsert(state->table, keys->keys + first, n, state->spans + first, state->is_new + first) ==
		  TR_FLOW_MORE);
	for (uint32_t i = first; i < keys->count; i++)
		state->values[i] = state->spans[i].bytes;
}

static void erase(struct tr_run_state *state, uint32_t i)
{
	const struct tr_run_keys *keys = &state->context->keys;

	if (state->has_int_keys)
		(void)tr_table_erase_i64(state->table, &keys->ints[i], 1);
	else
		(void)tr_table_erase(state->table, &keys->keys[i], 1);
}

/** Entries that were made and not written go, and those that were cleared. Their rows are marked first: deleting moves values. */
static void unbind(struct tr_run_state *state)
{
	const uint32_t n = state->context->keys.count, first = state->first;

	if (state->copy != NULL)
		tr_run_state_settle(state);
	state->is_bound = false;
	state->is_rare = state->used < (n - first) / RARE;
	if (!state->has_cleared && memchr(state->is_new + first, true, n - first) == NULL)
		return;
	state->has_cleared = false;
	for (uint32_t i = first; i < n; i++)
		state->is_new[i] = !*has_of(state, state->values[i]);
	for (uint32_t i = first; i < n; i++)
		if (state->is_new[i])
			erase(state, i);
}

void tr_run_states_end_batch(struct tr_run_states *states)
{
	if (states->context->hand.has_copies)
		tr_run_states_settle(states);
	for (uint32_t i = 0; i < states->count; i++) {
		struct tr_run_state *state = states->items[i];

		if (state->is_bound)
			unbind(state);
		else if (state->is_rare && state->used * RARE >= states->context->keys.count)
			state->is_rare = false;
		state->used = 0;
	}
}

/** Of the current key alone. */
static void *one_value(struct tr_run_state *state, const struct tr_run_key *key, bool is_write, bool *is_new)
{
	struct tr_table_value span = {NULL, state->descriptor.value_bytes + 1};
	void *value = NULL;

	*is_new = false;
	if (state->has_int_keys && is_write)
		(void)tr_table_upsert_i64(state->table, &key->integer, 1, &value, is_new);
	else if (state->has_int_keys)
		(void)tr_table_find_i64(state->table, &key->integer, 1, &value);
	else if (is_write)
		(void)tr_table_upsert(state->table, &key->bytes, 1, &span, is_new);
	else
		(void)tr_table_find(state->table, &key->bytes, 1, &span);
	if (!state->has_int_keys)
		value = span.bytes;
	if (is_write)
		*has_of(state, value) = true;
	return value;
}

void *tr_run_state_value(struct tr_run_state *state, bool is_write, bool *is_new)
{
	const struct tr_run_key *key = tr_run_state_key(state);
	struct tr_context *context;
	void *value;

	*is_new = false;
	if (TR_UNLIKELY(key == NULL))
		return is_write ? tr_run_scratch(TR_RUN_SCRATCH_VALUE) : NULL;
	context = state->context;
	if (state->copy != NULL && state->copied_row == context->chosen)
		return state->copy;
	if (state->copy != NULL)
		tr_run_state_settle(state);
	state->used++;
	if (context->is_timer || (!state->is_bound && (state->is_by_row || state->is_rare)))
		return one_value(state, key, is_write, is_new);
	if (!state->is_bound) {
		bind(state, context->chosen);
		state->used = 1;
	} else if (context->chosen < state->first) { /* on_batch went back */
		unbind(state);
		bind(state, 0);
	}
	value = state->values[context->chosen];
	*is_new = !*has_of(state, value);
	if (is_write)
		*has_of(state, value) = true;
	return *is_new && !is_write ? NULL : value;
}

void tr_run_state_clear(struct tr_run_state *state)
{
	const struct tr_run_key *key = tr_run_state_key(state);
	struct tr_context *context;

	if (key == NULL)
		return;
	context = state->context;
	if (state->copy != NULL)
		tr_run_state_settle(state);
	if (!state->is_bound || context->is_timer) {
		if (state->has_int_keys)
			(void)tr_table_erase_i64(state->table, &key->integer, 1);
		else
			(void)tr_table_erase(state->table, &key->bytes, 1);
		return;
	}
	if (context->chosen < state->first) {
		unbind(state);
		bind(state, 0);
	}
	memset(state->values[context->chosen], 0, state->descriptor.value_bytes + 1);
	state->has_cleared = true;
}

/* Value. */

struct tr_value_state *tr_value_state_create(struct tr_context *context, const struct tr_state_descriptor *descriptor)
{
	return (struct tr_value_state *)tr_run_state_create(context, descriptor, TR_RUN_VALUE,
							    sizeof(struct tr_value_state));
}

/** Values are of one size, or of any length, as the caller wants them. */
static bool is_fixed(const struct tr_run_state *state, bool wants_fixed)
{
	const bool is_good = state == NULL || (state->descriptor.value_bytes != 0) == wants_fixed || state->is_broken;

	if (!is_good)
		tr_run_mistake("state '%s' has values of %s", state->name,
			       wants_fixed ? "any length (tr_value_state_get_bytes, set_bytes)"
					   : "one size (tr_value_state_get, put)");
	return is_good;
}

const void *tr_value_state_get(struct tr_value_state *state)
{
	bool is_new;

	return is_fixed(TR_RUN_STATE(state), true) ? tr_run_state_value(TR_RUN_STATE(state), false, &is_new) : NULL;
}

/* Debug builds: copies of values, so that what is written behind them or too late is seen. */
#ifdef TR_DEBUG
static void *copy_of(struct tr_run_state *state, void *value)
{
	const uint32_t bytes = state->descriptor.value_bytes;

	if (value == state->copy)
		return value;
	state->copied = value;
	state->copied_row = state->context->chosen;
	state->copy = tr_checked(malloc((size_t)bytes + TR_RUN_GUARD_BYTES));
	memcpy(state->copy, value, bytes);
	tr_run_guard_put(state->copy + bytes);
	state->context->hand.has_copies = true;
	return state->copy;
}

void tr_run_state_settle(struct tr_run_state *state)
{
	const uint32_t bytes = state->descriptor.value_bytes;

	memcpy(state->copied, state->copy, bytes);
	if (!tr_run_guard_take(state->copy + bytes))
		tr_run_mistake("state '%s': more than the %u bytes of a value were written", state->name, bytes);
	free(state->copy);
	state->copy = NULL;
}
#else
static void *copy_of(struct tr_run_state *state, void *value) { return value; }
void tr_run_state_settle(struct tr_run_state *state) {}
#endif

void tr_run_states_settle(struct tr_run_states *states)
{
	for (uint32_t i = 0; i < states->count; i++)
		if (states->items[i]->copy != NULL)
			tr_run_state_settle(states->items[i]);
	states->context->hand.has_copies = false;
}

void *tr_value_state_put(struct tr_value_state *state)
{
	struct tr_run_state *s = TR_RUN_STATE(state);
	bool is_new;
	void *value;

	if (!is_fixed(s, true))
		return tr_run_scratch(TR_RUN_SCRATCH_VALUE);
	value = tr_run_state_value(s, true, &is_new);
	return s->context->failure.code == TR_OK ? copy_of(s, value) : value;
}

void tr_value_state_clear(struct tr_value_state *state) { tr_run_state_clear(TR_RUN_STATE(state)); }

const void *tr_value_state_get_bytes(struct tr_value_state *state, uint32_t *length)
{
	const struct tr_run_key *key = tr_run_state_key(TR_RUN_STATE(state));
	struct tr_table_value value = {NULL, 0};

	if (key != NULL && is_fixed(TR_RUN_STATE(state), false))
		(void)tr_table_find(state->s.table, &key->bytes, 1, &value);
	*length = value.bytes != NULL ? value.length : 0;
	return value.bytes;
}

void tr_value_state_set_bytes(struct tr_value_state *state, const void *bytes, uint32_t length)
{
	const struct tr_run_key *key = tr_run_state_key(TR_RUN_STATE(state));

	if (key == NULL || !is_fixed(TR_RUN_STATE(state), false))
		return;
	if (length > TR_TABLE_VALUE_BYTES_MAX)
		tr_run_mistake("state '%s': a value of %u bytes; %u are the most", state->s.name, length,
			       TR_TABLE_VALUE_BYTES_MAX);
	else
		(void)tr_table_put(state->s.table, &key->bytes, bytes, length);
}

/** Pointers to scratch for each row of the batch at hand, after a mistake. */
static void *const *no_values(const struct tr_run_state *state)
{
	const uint32_t count = state->context->batch != NULL ? state->context->batch->selected_count : 1;
	void **values = tr_run_scratch(TR_RUN_SCRATCH_POINTERS);

	for (uint32_t i = 0; i < count; i++)
		values[i] = tr_run_scratch(TR_RUN_SCRATCH_VALUE);
	return values;
}

void *const *tr_value_state_batch(struct tr_value_state *state)
{
	struct tr_run_state *s = TR_RUN_STATE(state);
	const struct tr_context *context;

	if (s == NULL)
		(void)tr_run_state_key(s);
	context = s->context;
	tr_run_check_context(context);
	if (s->copy != NULL)
		tr_run_state_settle(s);
	if (s->is_broken || !is_fixed(s, true))
		return no_values(s);
	if (!tr_run_input_has_keys(context->input) || context->batch == NULL || context->is_timer ||
	    context->input->on_batch == NULL) {
		tr_run_mistake("tr_value_state_batch of state '%s' was called outside of on_batch", s->name);
		return no_values(s);
	}
	if (s->is_bound && s->first > 0)
		unbind(s);
	if (!s->is_bound)
		bind(s, 0);
	s->used = context->keys.count;
	for (uint32_t i = 0; i < context->keys.count; i++)
		*has_of(s, s->values[i]) = true;
	return s->values;
}

/* Reducing. */

struct tr_reducing_state *tr_reducing_state_create(struct tr_context *context,
						   const struct tr_state_descriptor *descriptor, tr_reduce_fn reduce,
						   void *user)
{
	struct tr_reducing_state *state = (struct tr_reducing_state *)tr_run_state_create(
		context, descriptor, TR_RUN_REDUCING, sizeof(struct tr_reducing_state));

	state->s.reduce = reduce;
	state->s.user = user;
	if (reduce == NULL) {
		tr_run_mistake("state '%s': a reduce function is needed", state->s.name);
		state->s.is_broken = true;
	}
	return state;
}

void tr_reducing_state_add(struct tr_reducing_state *state, const void *value)
{
	bool is_new;
	void *so_far = tr_run_state_value(TR_RUN_STATE(state), true, &is_new);

	if (TR_RUN_STATE(state)->is_broken)
		return;
	if (is_new)
		memcpy(so_far, value, state->s.descriptor.value_bytes);
	else
		state->s.reduce(state->s.user, so_far, value);
}

const void *tr_reducing_state_get(struct tr_reducing_state *state)
{
	bool is_new;

	return tr_run_state_value(TR_RUN_STATE(state), false, &is_new);
}

void tr_reducing_state_clear(struct tr_reducing_state *state) { tr_run_state_clear(TR_RUN_STATE(state)); }

/* Aggregating. */

struct tr_aggregating_state *tr_aggregating_state_create(struct tr_context *context,
							 const struct tr_state_descriptor *descriptor,
							 const struct tr_aggregate_function *function)
{
	struct tr_aggregating_state *state = (struct tr_aggregating_state *)tr_run_state_create(
		context, descriptor, TR_RUN_AGGREGATING, sizeof(struct tr_aggregating_state));

	if (function != NULL)
		memcpy(&state->s.aggregate, function, TR_MIN(function->struct_size, sizeof(*function)));
	if (state->s.aggregate.add == NULL || state->s.aggregate.result == NULL) {
		tr_run_mistake("state '%s': an aggregate function needs `add` and `result`", state->s.name);
		state->s.is_broken = true;
	}
	return state;
}

void tr_aggregating_state_add(struct tr_aggregating_state *state, const void *value)
{
	const struct tr_aggregate_function *f = &state->s.aggregate;
	bool is_new;
	void *accumulator = tr_run_state_value(TR_RUN_STATE(state), true, &is_new);

	if (TR_RUN_STATE(state)->is_broken)
		return;
	if (is_new && f->create != NULL)
		f->create(f->user, accumulator);
	f->add(f->user, accumulator, value);
}

bool tr_aggregating_state_get(struct tr_aggregating_state *state, void *result)
{
	bool is_new;
	const void *accumulator = tr_run_state_value(TR_RUN_STATE(state), false, &is_new);

	if (accumulator != NULL)
		state->s.aggregate.result(state->s.aggregate.user, accumulator, result);
	return accumulator != NULL;
}

void tr_aggregating_state_clear(struct tr_aggregating_state *state) { tr_run_state_clear(TR_RUN_STATE(state)); }
