/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs as text: one step a line, for EXPLAIN and tests.
 */
#include "base/bytes.h"
#include "base/type.h"
#include "core/ops/program_code.h"

static void append_step(struct tr_bytes *out, struct tr_arena *arena, const struct tr_program *program,
			const struct tr_step *step)
{
	static const char *const names[] = {
		[TR_STEP_CALL] = "call",
		[TR_STEP_ALIAS] = "alias",
		[TR_STEP_FIELD] = "field",
		[TR_STEP_BLANK] = "blank",
		[TR_STEP_MERGE] = "merge",
		[TR_STEP_BLEND] = "blend",
		[TR_STEP_AND] = "and",
		[TR_STEP_OR] = "or",
		[TR_STEP_SPLIT] = "split",
		[TR_STEP_SPLIT_FALSE] = "split-false",
		[TR_STEP_SPLIT_NULL] = "split-null",
		[TR_STEP_FILTER] = "filter",
	};

	if (step->out != TR_NONE)
		tr_bytes_printf(out, "r%u = ", step->out);
	if (step->sel_a != TR_NONE || step->sel_b != TR_NONE) {
		if (step->sel_a != TR_NONE)
			tr_bytes_printf(out, "s%u", step->sel_a);
		if (step->sel_b != TR_NONE)
			tr_bytes_printf(out, "%ss%u", step->sel_a != TR_NONE ? ", " : "", step->sel_b);
		tr_bytes_append_str(out, step->out != TR_NONE ? " : " : " = ");
	}
	tr_bytes_append_str(out, step->kind == TR_STEP_CALL && step->func != NULL ? step->func->name
				 : step->kind == TR_STEP_CALL                     ? "cast"
										  : names[step->kind]);
	for (uint32_t i = 0; i < step->arg_count; i++)
		tr_bytes_printf(out, "%sr%u", i == 0 ? " " : ", ", step->args[i]);
	tr_bytes_printf(out, " on s%u", step->sel);
	if (step->kind == TR_STEP_CALL || step->kind == TR_STEP_FILTER || step->kind == TR_STEP_FIELD)
		tr_bytes_printf(out, "   -- %s", tr_expr_text_of(arena, step->expr, program->input));
	tr_bytes_append_char(out, '\n');
}

const char *tr_program_text(struct tr_arena *arena, const struct tr_program *program)
{
	const struct tr_code_block *code = &program->code;
	struct tr_bytes out = {0};
	const char *text;

	for (uint32_t i = 0; i < code->step_count; i++)
		append_step(&out, arena, program, &code->steps[i]);
	text = tr_arena_strndup(arena, out.length > 0 ? out.data : "", out.length);
	tr_bytes_deinit(&out);
	return text;
}
