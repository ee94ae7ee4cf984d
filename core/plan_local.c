/* SPDX-License-Identifier: Apache-2.0
 *
 * Plan: the questions about two-phase aggregation and sorting, answered by the operators (core/ops/op_window.h, op_sort.h).
 */
#include "base/check.h"
#include "core/ops/op_sort.h"
#include "core/ops/op_window.h"
#include "core/plan.h"

tr_code tr_plan_local_schema(struct tr_arena *arena, const struct tr_node *local, const struct tr_schema **schema,
			     struct tr_status *st)
{
	TR_ASSERT(local->kind == TR_NODE_WINDOW_AGGREGATE && local->input_count == 1);
	const struct tr_window_plan plan = {
		.window = local->window.window,
		.keys = local->window.keys,
		.key_count = local->window.key_count,
		.aggs = local->window.aggs,
		.agg_count = local->window.agg_count,
		.phase = TR_PHASE_LOCAL,
		.input = local->inputs[0]->output,
	};

	return tr_window_local_schema(arena, &plan, schema, st);
}

const struct tr_schema *tr_plan_sorted_schema(void) { return &tr_sort_local_schema; }

bool tr_plan_is_two_phase(const struct tr_window_spec *window, const struct tr_agg_call *aggs, uint32_t agg_count)
{
	return tr_window_is_two_phase(window, aggs, agg_count);
}
