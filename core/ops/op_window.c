/* SPDX-License-Identifier: Apache-2.0
 *
 * Window aggregation: which operator does it, and the schema of partials. See the header.
 */
#include "core/ops/op_window.h"

#include "base/check.h"
#include "base/type.h"
#include "core/ops/window_output.h"

/** Whether windows of this kind are unions of slices. */
static bool has_slices(const struct tr_window_spec *window)
{
	if (window->is_processing_time || window->kind == TR_WINDOW_SESSION)
		return false;
	if (window->kind == TR_WINDOW_TUMBLE)
		return true;
	return window->step_ms > 0 && window->step_ms <= window->size_ms;
}

bool tr_window_is_two_phase(const struct tr_window_spec *window, const struct tr_agg_call *aggs, uint32_t agg_count)
{
	for (uint32_t i = 0; i < agg_count; i++)
		if (tr_agg_is_distinct(&aggs[i]) || aggs[i].agg->is_collecting)
			return false;
	return has_slices(window);
}

bool tr_window_has_small_key(const struct tr_window_plan *plan)
{
	const struct tr_type *type;

	if (plan->key_count != 1 || tr_window_key_column(plan, 0) >= plan->input->column_count)
		return false;
	type = plan->input->types[tr_window_key_column(plan, 0)];
	return type->phys != TR_PHYS_LIST && type->phys != TR_PHYS_ROW && type->phys != TR_PHYS_NONE &&
	       tr_phys_bytes((enum tr_phys)type->phys) <= 8;
}

tr_code tr_op_window_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
			    struct tr_status *st)
{
	const bool is_two_phase = tr_window_is_two_phase(&plan->window, plan->aggs, plan->agg_count);

	*op = NULL;
	if (plan->phase != TR_PHASE_SINGLE && !is_two_phase)
		TR_FAIL(st, TR_ERR_INTERNAL, "window: this aggregation can't run in two phases");
	if (plan->phase == TR_PHASE_LOCAL)
		return tr_op_window_local_create(plan, context, op, st);
	if (plan->window.kind == TR_WINDOW_SESSION)
		return tr_op_window_session_create(plan, context, op, st);
	if (plan->phase == TR_PHASE_SINGLE && (plan->use_general || !is_two_phase))
		return tr_op_window_general_create(plan, context, op, st);
	if (plan->window.kind == TR_WINDOW_TUMBLE && tr_window_has_small_key(plan) && context->memory_limit == 0)
		return tr_op_window_tumble_create(plan, context, op, st);
	return tr_op_window_slice_create(plan, context, op, st);
}

tr_code tr_window_local_schema(struct tr_arena *arena, const struct tr_window_plan *local,
			       const struct tr_schema **schema, struct tr_status *st)
{
	const uint32_t columns_max = local->key_count + local->agg_count * TR_AGG_PARTIAL_COLUMNS_MAX + 3;
	const struct tr_type **types = TR_NEW_ARRAY(arena, columns_max, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(arena, columns_max, const char *);
	const struct tr_type *bigint = tr_type_with_nullable(arena, tr_type_of(TR_TYPE_BIGINT), false);
	struct tr_schema *made = TR_NEW(arena, struct tr_schema);
	uint32_t n = 0;

	if (!tr_window_is_two_phase(&local->window, local->aggs, local->agg_count))
		TR_FAIL(st, TR_ERR_INTERNAL, "window: this aggregation can't run in two phases");
	for (uint32_t i = 0; i < local->key_count; i++, n++) {
		types[n] = local->input->types[local->keys[i]];
		names[n] = local->input->names[local->keys[i]];
	}
	for (uint32_t i = 0; i < local->agg_count; i++) {
		const struct tr_agg_call *call = &local->aggs[i];

		if (call->agg->kind == TR_AGG_COUNT_STAR && call->filter_column < 0)
			continue; /* the number of rows says it */
		call->agg->partial_types(arena, call->arg_column >= 0 ? local->input->types[call->arg_column] : NULL,
					 types + n);
		for (uint32_t c = 0; c < call->agg->partial_count; c++, n++)
			names[n] = tr_arena_printf(arena, "agg%u_%u", i, c);
	}
	for (uint32_t i = 0; i < 3; i++, n++) {
		types[n] = bigint;
		names[n] = i == 0 ? "slice_start" : i == 1 ? "first_end" : "rows";
	}
	TR_ASSERT(n <= columns_max);
	if (n > TR_COLUMNS_MAX)
		TR_FAIL(st, TR_ERR_DATA, "window: too many aggregates: a partial has %u columns", n);
	*made = (struct tr_schema){.column_count = n, .names = names, .types = types};
	*schema = made;
	return TR_OK;
}
