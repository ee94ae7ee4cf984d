/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_outputs.h.
 */
#include "api/run_outputs.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void tr_run_outputs_init(struct tr_run_outputs *outputs, struct tr_op *op, const struct tr_operator *self,
			 const void *owner, const char *name)
{
	const struct tr_op_context *context = op->context;

	memset(outputs, 0, sizeof(*outputs));
	outputs->gate.watermark_ms = TR_WATERMARK_MIN;
	outputs->declared = self->sides;
	outputs->side_count = self->side_count;
	tr_run_collector_init(&outputs->main, op, &outputs->gate, owner, name, op->output, context->batch_rows);
	tr_run_collector_init_dropped(&outputs->dropped, owner, name);
	if (self->side_count == 0)
		return;
	outputs->sides = tr_checked(calloc(self->side_count, sizeof(*outputs->sides)));
	for (uint32_t i = 0; i < self->side_count; i++) {
		if ((context->sides_read >> i & 1) == 0) {
			tr_run_collector_init_dropped(&outputs->sides[i], owner, name);
			continue;
		}
		tr_run_collector_init(&outputs->sides[i], op, &outputs->gate, owner, name, self->sides[i].schema,
				      context->batch_rows);
		outputs->sides[i].side = (int32_t)i;
	}
}

void tr_run_outputs_deinit(struct tr_run_outputs *outputs)
{
	for (uint32_t i = 0; i < outputs->side_count; i++)
		tr_run_collector_deinit(&outputs->sides[i]);
	free(outputs->sides);
	tr_run_collector_deinit(&outputs->dropped);
	tr_run_collector_deinit(&outputs->main);
}

struct tr_collector *tr_run_outputs_side(struct tr_run_outputs *outputs, const char *tag)
{
	for (uint32_t i = 0; i < outputs->side_count; i++)
		if (strcmp(outputs->declared[i].tag, tag) == 0)
			return &outputs->sides[i];
	return &outputs->dropped;
}

enum tr_flow tr_run_outputs_drain(struct tr_run_outputs *outputs, bool is_all)
{
	enum tr_flow flow = tr_run_collector_drain(&outputs->main, is_all);

	for (uint32_t i = 0; i < outputs->side_count && flow == TR_FLOW_MORE; i++)
		if (!outputs->sides[i].is_dropped)
			flow = tr_run_collector_drain(&outputs->sides[i], is_all);
	return flow;
}

void tr_run_outputs_resume(struct tr_run_outputs *outputs)
{
	outputs->gate.is_blocked = false;
	tr_run_collector_resume(&outputs->main);
	for (uint32_t i = 0; i < outputs->side_count; i++)
		tr_run_collector_resume(&outputs->sides[i]);
}
