/* SPDX-License-Identifier: Apache-2.0
 *
 * Running code: registers, selections, and the driver around each kernel.
 *
 * The driver does what is the same for all strict functions: it ANDs the validity bitmaps of the arguments a word at a
 * time, takes NULL rows out of the selection for kernels that must not see them, runs a kernel whose arguments are all
 * constant for one row, and lets harmless kernels run over all rows when the selection is dense, since a vector loop
 * over everything is faster than a gather over a part.
 *
 * Memory: one arena for registers and selections, made at creation; one heap for
 * long strings, reset when a run begins. A warm run does not allocate.
 */
#include "core/ops/program.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/text.h"
#include "base/timezone.h"
#include "base/type.h"
#include "core/ops/kernel_blend.h"
#include "core/ops/kernel_compare.h"
#include "core/ops/kernel_merge.h"
#include "core/ops/program_code.h"

#define DENSE_SHARE 4      /* a harmless kernel runs over all rows when at least 1 in 4 is selected */
#define MASK_SHARE 8       /* a mask of fewer rows than 1 in 8 becomes a list */
#define MESSAGE_ARGS_MAX 4 /* values named in a message */
#define MESSAGE_VALUE_MAX 80

/* Comparisons over all rows AND their masks together; the mask becomes a list when a step needs one, or when so few
 * rows are left that walking them is cheaper than comparing all. */
struct selection {
	const uint32_t *rows; /* NULL: all, or those of the mask */
	uint32_t count;
	bool is_mask;
	uint64_t *mask;
	uint32_t *buffer;
};

/* What one code needs to run. */
struct frame {
	const struct tr_code_block *code;
	struct tr_column *columns; /* by register */
	struct tr_merge_store *stores;
	struct selection *selections;
	struct tr_column *args; /* of the present call */
	uint32_t *valid_rows;
	uint64_t *no_bits; /* all zero: the validity of a constant NULL */
	void **locals;
};

struct tr_program_state {
	const struct tr_program *program;
	const struct tr_program_context *context;
	const struct tr_batch *batch; /* of the present run */
	uint32_t rows_max;
	struct tr_arena arena; /* registers, selections */
	struct tr_arena heap;  /* strings of this run */
	struct tr_timezone *zone;
	struct tr_status zone_status;
	struct tr_timezone_cursor cursor;
	struct frame frame;
	const struct tr_kernel_compare *kernels;
	const struct tr_kernel_blend *blend;
};

/* ---- states ---- */

static void *aligned(struct tr_program_state *state, size_t bytes)
{
	return memset(tr_arena_alloc_aligned(&state->arena, bytes, 64), 0, bytes);
}

static void make_frame(struct tr_program_state *state, struct frame *frame, const struct tr_code_block *code)
{
	size_t rows = state->rows_max;

	frame->code = code;
	frame->columns = TR_NEW_ARRAY(&state->arena, TR_MAX(code->register_count, 1u), struct tr_column);
	frame->stores = TR_NEW_ARRAY(&state->arena, TR_MAX(code->store_count, 1u), struct tr_merge_store);
	frame->selections = TR_NEW_ARRAY(&state->arena, code->selection_count, struct selection);
	frame->args = TR_NEW_ARRAY(&state->arena, TR_MAX(code->args_max, 1u), struct tr_column);
	frame->locals = TR_NEW_ARRAY(&state->arena, TR_MAX(code->local_count, 1u), void *);
	frame->valid_rows = aligned(state, (rows + TR_SELECT_SLACK) * sizeof(uint32_t));
	frame->no_bits = aligned(state, TR_BITMAP_WORDS(rows) * sizeof(uint64_t));
	for (uint32_t i = 0; i < code->store_count; i++)
		tr_merge_store_init(&frame->stores[i], &state->arena, code->stores[i].type, (uint32_t)rows);
	for (uint32_t i = 1; i < code->selection_count; i++) {
		frame->selections[i].buffer = aligned(state, (rows + TR_SELECT_SLACK) * sizeof(uint32_t));
		frame->selections[i].mask = aligned(state, TR_BITMAP_WORDS(rows) * sizeof(uint64_t));
	}
	for (uint32_t i = 0; i < code->register_count; i++)
		if (code->registers[i].kind == TR_REGISTER_CONSTANT)
			frame->columns[i] = code->registers[i].constant;
	for (uint32_t i = 0; i < code->step_count; i++) {
		const struct tr_step *step = &code->steps[i];

		if (step->local != TR_NONE)
			frame->locals[step->local] = step->func->local_create(step->prepared);
	}
}

struct tr_program_state *tr_program_state_create(const struct tr_program *program,
						 const struct tr_program_context *context, uint32_t rows_max)
{
	struct tr_program_state *state = calloc(1, sizeof(*state));

	TR_ASSERT(state != NULL && program != NULL && context != NULL);
	TR_ASSERT(rows_max >= 1 && rows_max <= TR_BATCH_ROWS_MAX);
	state->program = program;
	state->context = context;
	state->rows_max = rows_max;
	state->kernels = TR_ISA_PICK(tr_kernel_compare);
	state->blend = TR_ISA_PICK(tr_kernel_blend);
	tr_arena_init(&state->arena, 0);
	tr_arena_init(&state->heap, 16384);
	/* A bad zone fails the first run that asks for it; configuration checks it before. */
	if (tr_timezone_create(context->time_zone != NULL ? context->time_zone : "UTC", &state->zone,
			       &state->zone_status) != TR_OK)
		state->zone = NULL;
	make_frame(state, &state->frame, &program->code);
	return state;
}

static void destroy_locals(struct frame *frame)
{
	for (uint32_t i = 0; i < frame->code->step_count; i++) {
		const struct tr_step *step = &frame->code->steps[i];

		if (step->local != TR_NONE)
			step->func->local_destroy(frame->locals[step->local]);
	}
}

void tr_program_state_destroy(struct tr_program_state **state)
{
	if (*state == NULL)
		return;
	destroy_locals(&(*state)->frame);
	tr_timezone_destroy(&(*state)->zone);
	tr_arena_deinit(&(*state)->arena);
	tr_arena_deinit(&(*state)->heap);
	free(*state);
	*state = NULL;
}

/* ---- messages ---- */

static void append_args(struct tr_program_state *state, const struct tr_step *step, const struct tr_call *call,
			struct tr_bytes *text)
{
	const size_t start = text->length;

	for (uint32_t i = 0; i < step->arg_count && i < MESSAGE_ARGS_MAX; i++) {
		const struct tr_column *arg = &call->args[i];
		size_t begin;

		if (arg->is_constant || arg->type->phys == TR_PHYS_NONE)
			continue;
		tr_bytes_append_str(text, text->length > start ? ", " : "");
		tr_bytes_append_str(text, tr_expr_text_of(&state->heap, step->expr->args[i], state->program->input));
		tr_bytes_append_str(text, " = ");
		begin = text->length;
		if (tr_column_is_null(arg, call->failed_row))
			tr_bytes_append_str(text, "NULL");
		else
			tr_text_append_value(text, arg, call->failed_row, TR_TEXT_CAST, call->zone);
		if (text->length - begin > MESSAGE_VALUE_MAX) {
			text->length = begin + MESSAGE_VALUE_MAX;
			tr_bytes_append_str(text, "...");
		}
	}
}

/* Puts place, expression, row and values around what the kernel said: "line 1, column 8: division by zero in (a / b) (row 17
 * of table t, file /data/a.csv: a = 1, b = 0)". */
static tr_code explain(struct tr_program_state *state, const struct tr_step *step, const struct tr_call *call,
		       tr_code code, struct tr_status *st)
{
	const struct tr_row_origin *origin = state->batch->origin;
	struct tr_bytes text = {0}, values = {0};
	char message[TR_STATUS_MESSAGE_MAX];

	if (st == NULL)
		return code;
	memcpy(message, st->message, sizeof(message));
	if (step->expr->place.line > 0)
		tr_bytes_printf(&text, "line %u, column %u: ", step->expr->place.line, step->expr->place.column);
	tr_bytes_append_str(&text, message);
	tr_bytes_append_str(&text, " in ");
	tr_bytes_append_str(&text, tr_expr_text_of(&state->heap, step->expr, state->program->input));
	if (call->failed_row != TR_NONE)
		append_args(state, step, call, &values);
	if (origin != NULL && call->failed_row == TR_NONE)
		tr_bytes_printf(&text, " (table %s, %s", origin->table, origin->split);
	else if (origin != NULL)
		tr_bytes_printf(&text, " (row %" PRIu64 " of table %s, %s%s", origin->row_number + call->failed_row,
				origin->table, origin->split, values.length > 0 ? ": " : "");
	else
		tr_bytes_append_str(&text, values.length > 0 ? " (" : "");
	tr_bytes_append(&text, values.data, values.length);
	tr_bytes_append_str(&text, origin != NULL || values.length > 0 ? ")" : "");
	tr_bytes_append_char(&text, 0);
	tr_bytes_deinit(&values);
	code = tr_status_set(st, code, 0, st->where, "%s", text.data);
	tr_bytes_deinit(&text);
	return code;
}

/* ---- calls ---- */

/* A harmless call over a dense selection: which rows are in it does not matter. */
static bool is_for_all_rows(const struct tr_step *step, const struct selection *sel, uint32_t row_count)
{
	return step->kind == TR_STEP_CALL && (step->flags & TR_FUNC_TOTAL) && sel->count > 0 &&
	       sel->count >= row_count / DENSE_SHARE;
}

static struct tr_column blank(const struct frame *frame, uint32_t reg)
{
	const struct tr_register *r = &frame->code->registers[reg];
	struct tr_column column = tr_merge_store_column(&frame->stores[r->store]);

	column.type = r->type;
	return column;
}

/* ANDs the arguments' bitmaps into `bits`. Returns what the result's validity is: NULL, or `bits`. */
static const uint64_t *combine_validity(const struct frame *frame, uint32_t arg_count, uint64_t *bits, uint32_t rows)
{
	size_t words = TR_BITMAP_WORDS(rows);
	const uint64_t *combined = NULL;

	for (uint32_t i = 0; i < arg_count; i++) {
		const struct tr_column *arg = &frame->args[i];
		const uint64_t *source = arg->validity;

		if (arg->type->phys == TR_PHYS_NONE)
			source = frame->no_bits;
		else if (source == NULL || (arg->is_constant && (source[0] & 1)))
			continue;
		else if (arg->is_constant)
			source = frame->no_bits;
		if (combined == NULL)
			memcpy(bits, source, words * sizeof(*bits));
		else
			for (size_t w = 0; w < words; w++)
				bits[w] &= source[w];
		combined = bits;
	}
	return combined;
}

/* Sets validity, rows and count for the null rule. False: no row is left to compute. */
static bool apply_null_rule(struct tr_program_state *state, struct frame *frame, const struct tr_step *step,
			    struct tr_call *call, uint64_t *bits)
{
	const uint64_t *validity;

	call->validity = bits;
	if (step->null_rule == TR_NULL_CUSTOM) {
		memset(bits, 0xFF, TR_BITMAP_WORDS(call->row_count) * sizeof(*bits));
		return true;
	}
	validity = combine_validity(frame, step->arg_count, bits, call->row_count);
	call->has_nulls = validity != NULL;
	if (validity == NULL) {
		if (step->null_rule == TR_NULL_MAKES)
			memset(bits, 0xFF, TR_BITMAP_WORDS(call->row_count) * sizeof(*bits));
	} else if ((step->flags & TR_FUNC_TOTAL) == 0) {
		call->count = state->kernels->select_bits(validity, true, call->rows, call->count, frame->valid_rows);
		call->rows = frame->valid_rows;
	}
	return call->count > 0;
}

/* Whether all rows of a selection are in another; both ascend. */
static bool is_part_of(const struct selection *part, const struct selection *whole)
{
	uint32_t at = 0;

	if (whole->is_mask || part->is_mask || part->count > whole->count)
		return false;
	for (uint32_t i = 0; i < part->count && whole->rows != NULL; i++) {
		const uint32_t row = part->rows != NULL ? part->rows[i] : i;

		while (at < whole->count && whole->rows[at] < row)
			at++;
		if (at == whole->count || whole->rows[at] != row)
			return false;
	}
	return true;
}

static tr_code run_call(struct tr_program_state *state, struct frame *frame, const struct tr_step *step,
			uint32_t row_count, struct tr_status *st)
{
	const struct selection *sel = &frame->selections[step->sel];
	struct tr_column *out = &frame->columns[step->out];
	struct tr_merge_store *store = &frame->stores[frame->code->registers[step->out].store];
	bool is_constant = (step->flags & TR_FUNC_PER_ROW) == 0;
	struct tr_call call = {.type = frame->code->registers[step->out].type,
			       .args = frame->args,
			       .arg_count = step->arg_count,
			       .rows = sel->rows,
			       .count = sel->count,
			       .row_count = row_count,
			       .out = store->data,
			       .result = out,
			       .heap = &state->heap,
			       .context = state->context,
			       .batch = state->batch,
			       .zone = state->zone,
			       .cursor = &state->cursor,
			       .code = step->func != NULL ? step->func->code : 0,
			       .prepared = step->prepared,
			       .local = step->local != TR_NONE ? frame->locals[step->local] : NULL,
			       .is_try = step->is_try,
			       .status = st};

	*out = blank(frame, step->out);
	if (sel->count == 0)
		return TR_OK;
	if (step->earlier != TR_NONE) {
		const struct tr_step *earlier = &frame->code->steps[step->earlier];

		if (is_part_of(sel, &frame->selections[earlier->sel])) {
			*out = frame->columns[earlier->out];
			return TR_OK;
		}
	}
	for (uint32_t i = 0; i < step->arg_count; i++) {
		frame->args[i] = frame->columns[step->args[i]];
		is_constant &= frame->args[i].is_constant || frame->args[i].type->phys == TR_PHYS_NONE;
	}
	if (is_constant) {
		call.rows = NULL;
		call.count = 1;
		call.row_count = 1;
	} else if ((sel->is_mask || sel->rows != NULL) && is_for_all_rows(step, sel, row_count)) {
		call.rows = NULL;
		call.count = row_count;
	}
	out->is_constant = is_constant;
	if (apply_null_rule(state, frame, step, &call, store->validity)) {
		tr_code code = step->kernel(&call);

		if (code != TR_OK)
			return explain(state, step, &call, code, st);
	}
	out->validity = call.has_nulls ? store->validity : NULL;
	return TR_OK;
}

static tr_code run_field(struct tr_program_state *state, struct frame *frame, const struct tr_step *step,
			 uint32_t row_count, struct tr_status *st)
{
	const struct tr_column *row = &frame->columns[step->args[0]];
	struct tr_column *out = &frame->columns[step->out];
	uint64_t *bits = frame->stores[frame->code->registers[step->out].store].validity;

	TR_DASSERT(step->index < row->type->child_count);
	*out = row->children[step->index];
	if (row->validity == NULL)
		return TR_OK;
	if (row->is_constant) {
		out->is_constant = true;
		bits[0] = row->validity[0] & (out->validity != NULL ? out->validity[0] : 1);
		out->validity = bits;
		return TR_OK;
	}
	if (out->is_constant && out->validity != NULL && (out->validity[0] & 1) == 0)
		return TR_OK;   /* NULL in every row */
	if (out->is_constant) { /* a constant that is NULL in some rows is no constant */
		TR_TRY(tr_merge_spread(&frame->stores[frame->code->registers[step->out].store], out, row_count,
				       &state->heap, st));
		out->validity = row->validity;
		return TR_OK;
	}
	for (size_t w = 0; w < TR_BITMAP_WORDS(row_count); w++)
		bits[w] = row->validity[w] & (out->validity != NULL ? out->validity[w] : ~UINT64_C(0));
	out->validity = bits;
	return TR_OK;
}

/* ---- selections ---- */

/* A selection as long as its parent is its parent: what was dense stays dense. */
static void settle(struct selection *made, const struct selection *parent, uint32_t count)
{
	made->count = count;
	made->is_mask = false;
	made->rows = count == parent->count ? parent->rows : made->buffer;
}

/* Makes the list of a mask. */
static void list_rows(struct tr_program_state *state, struct selection *sel, uint32_t row_count)
{
	if (!sel->is_mask)
		return;
	state->kernels->select_bits(sel->mask, true, NULL, row_count, sel->buffer);
	sel->rows = sel->buffer;
	sel->is_mask = false;
}

static void split_constant(struct frame *frame, const struct tr_step *step, bool goes_to_a)
{
	const struct selection *sel = &frame->selections[step->sel];

	if (step->sel_a != TR_NONE)
		settle(&frame->selections[step->sel_a], sel, goes_to_a ? sel->count : 0);
	if (step->sel_b != TR_NONE)
		settle(&frame->selections[step->sel_b], sel, goes_to_a ? 0 : sel->count);
}

/* Rows of `sel` that are not in the subset `part`, both ascending. */
static uint32_t difference(const struct selection *sel, const uint32_t *part, uint32_t part_count, uint32_t *out)
{
	uint32_t kept = 0, j = 0;

	for (uint32_t i = 0; i < sel->count; i++) {
		uint32_t row = sel->rows != NULL ? sel->rows[i] : i;
		bool is_in = j < part_count && part[j] == row;

		out[kept] = row;
		kept += !is_in;
		j += is_in;
	}
	return kept;
}

static void run_split(struct tr_program_state *state, struct frame *frame, const struct tr_step *step)
{
	const struct selection *sel = &frame->selections[step->sel];
	const struct tr_column *column = &frame->columns[step->args[0]];
	uint8_t wanted = step->kind == TR_STEP_SPLIT;
	const struct tr_kernel_compare *kernels = state->kernels;
	uint32_t *buffer = step->sel_a != TR_NONE ? frame->selections[step->sel_a].buffer : frame->valid_rows;
	struct selection *rest;
	uint32_t count;

	if (sel->count == 0 || column->is_constant || column->type->phys == TR_PHYS_NONE) {
		bool is_null = sel->count == 0 || tr_column_is_null(column, 0);

		split_constant(frame, step, !is_null && tr_column_i8(column, 0) == wanted);
		return;
	}
	rest = step->sel_b != TR_NONE ? &frame->selections[step->sel_b] : NULL;
	if (rest != NULL && sel->rows != NULL)
		count = kernels->deal_bytes(column->data, wanted, column->validity, sel->rows, sel->count, buffer,
					    rest->buffer);
	else
		count = kernels->select_bytes(column->data, wanted, column->validity, sel->rows, sel->count, buffer);
	if (rest != NULL && sel->rows == NULL && count > 0 && count < sel->count) {
		if (column->validity == NULL)
			(void)kernels->select_bytes(column->data, !wanted, NULL, NULL, sel->count, rest->buffer);
		else
			(void)difference(sel, buffer, count, rest->buffer);
	}
	if (rest != NULL)
		settle(rest, sel, sel->count - count);
	if (step->sel_a != TR_NONE)
		settle(&frame->selections[step->sel_a], sel, count);
}

static void run_split_null(struct tr_program_state *state, struct frame *frame, const struct tr_step *step)
{
	const struct selection *sel = &frame->selections[step->sel];
	const struct tr_column *column = &frame->columns[step->args[0]];

	if (sel->count == 0 || column->is_constant || column->validity == NULL || column->type->phys == TR_PHYS_NONE) {
		split_constant(frame, step, sel->count > 0 && !tr_column_is_null(column, 0));
		return;
	}
	for (int side = 0; side < 2; side++) {
		uint32_t made = side == 0 ? step->sel_a : step->sel_b;

		if (made != TR_NONE)
			settle(&frame->selections[made], sel,
			       state->kernels->select_bits(column->validity, side == 0, sel->rows, sel->count,
							   frame->selections[made].buffer));
	}
}

/* The comparison of a column with a column or constant over all rows, ANDed into the mask of the selection before. */
static void filter_mask(struct tr_program_state *state, const struct selection *sel, struct selection *made,
			const struct tr_column *a, const struct tr_column *b, enum tr_compare compare,
			uint32_t row_count)
{
	size_t words = TR_BITMAP_WORDS(row_count);
	uint32_t count = 0;

	if (sel->is_mask)
		memcpy(made->mask, sel->mask, words * sizeof(*made->mask));
	else
		memset(made->mask, 0xFF, words * sizeof(*made->mask));
	if (row_count % 64 != 0)
		made->mask[words - 1] &= (UINT64_C(1) << row_count % 64) - 1;
	if (a->type->phys == TR_PHYS_VIEW)
		state->kernels->mask_view(a->data, tr_column_view(b, 0), compare == TR_COMPARE_EQ, made->mask,
					  row_count);
	else
		state->kernels->mask[compare][tr_number_of(a->type->phys)][b->is_constant](a->data, b->data, made->mask,
											   row_count);
	for (size_t w = 0; w < words; w++) {
		made->mask[w] &= a->validity != NULL ? a->validity[w] : ~UINT64_C(0);
		made->mask[w] &= !b->is_constant && b->validity != NULL ? b->validity[w] : ~UINT64_C(0);
		count += (uint32_t)__builtin_popcountll(made->mask[w]);
	}
	made->count = count;
	made->rows = NULL;
	made->is_mask = count < row_count;
	if (count < row_count / MASK_SHARE)
		list_rows(state, made, row_count);
}

static void filter_rows(struct tr_program_state *state, const struct selection *sel, struct selection *made,
			const struct tr_column *a, const struct tr_column *b, enum tr_compare compare)
{
	int number = tr_number_of(a->type->phys);
	uint32_t count;

	if (a->type->phys == TR_PHYS_VIEW) {
		settle(made, sel,
		       state->kernels->select_view(a->data, tr_column_view(b, 0), compare == TR_COMPARE_EQ, a->validity,
						   sel->rows, sel->count, made->buffer));
		return;
	}
	count = state->kernels->select[compare][number][b->is_constant](a->data, b->data, a->validity, sel->rows,
									sel->count, made->buffer);
	settle(made, sel, count);
	if (!b->is_constant && b->validity != NULL)
		settle(made, sel, state->kernels->select_bits(b->validity, true, made->rows, count, made->buffer));
}

/* Both sides are constant and not NULL. */
static bool constants_hold(struct tr_program_state *state, const struct tr_column *a, const struct tr_column *b,
			   enum tr_compare compare)
{
	uint8_t holds;

	if (a->type->phys == TR_PHYS_VIEW)
		return tr_view_equals(tr_column_view(a, 0), tr_column_view(b, 0)) == (compare == TR_COMPARE_EQ);
	state->kernels->compare[compare][tr_number_of(a->type->phys)][1](&holds, a->data, b->data, NULL, 1);
	return holds;
}

static void run_filter(struct tr_program_state *state, struct frame *frame, const struct tr_step *step,
		       uint32_t row_count)
{
	struct selection *sel = &frame->selections[step->sel], *made = &frame->selections[step->sel_a];
	const struct tr_column *a = &frame->columns[step->args[0]], *b = &frame->columns[step->args[1]];
	enum tr_compare compare = (enum tr_compare)step->code;
	bool is_long;

	if (a->is_constant && !b->is_constant) {
		const struct tr_column *swap = a;

		a = b;
		b = swap;
		compare = tr_compare_flip(compare);
	}
	if (sel->count == 0 || (b->is_constant && tr_column_is_null(b, 0)) ||
	    (a->is_constant && tr_column_is_null(a, 0))) {
		settle(made, sel, 0);
		return;
	}
	is_long = b->type->phys == TR_PHYS_VIEW && tr_column_view(b, 0)->length > TR_VIEW_INLINE_MAX;
	if (!a->is_constant && sel->rows == NULL && !is_long) {
		filter_mask(state, sel, made, a, b, compare, row_count);
		return;
	}
	list_rows(state, sel, row_count);
	if (a->is_constant)
		settle(made, sel, constants_hold(state, a, b, compare) ? sel->count : 0);
	else
		filter_rows(state, sel, made, a, b, compare);
}

/* ---- merging ---- */

static void run_blank(struct frame *frame, const struct tr_step *step)
{
	const struct tr_register *r = &frame->code->registers[step->out];
	struct tr_column *out = &frame->columns[step->out];

	*out = tr_merge_begin(&frame->stores[r->store]);
	out->type = r->type;
}

static tr_code run_merge(struct tr_program_state *state, struct frame *frame, const struct tr_step *step,
			 uint32_t row_count, struct tr_status *st)
{
	const struct selection *sel = &frame->selections[step->sel];
	const uint32_t whole = frame->selections[step->whole].count;
	struct tr_merge_store *store = &frame->stores[frame->code->registers[step->out].store];
	struct tr_column *out = &frame->columns[step->out];

	if (sel->count == 0)
		return TR_OK;
	if (sel->count == whole) {
		const struct tr_type *type = out->type;

		*out = frame->columns[step->args[0]]; /* one branch took all rows: by reference */
		out->type = out->type->phys == TR_PHYS_NONE ? out->type : type;
		return TR_OK;
	}
	tr_merge_rows(store, out, &frame->columns[step->args[0]], sel->rows, sel->count, row_count, &state->heap);
	store->merged += sel->count;
	return store->merged == whole ? tr_merge_end(store, out, row_count, &state->heap, st) : TR_OK;
}

static struct tr_blend_side blend_side(const struct frame *frame, const struct tr_column *column)
{
	struct tr_blend_side side = {column->data, column->validity, column->is_constant};

	if (column->is_constant)
		side.validity = tr_column_is_null(column, 0) ? frame->no_bits : NULL;
	return side;
}

static void run_blend(struct tr_program_state *state, struct frame *frame, const struct tr_step *step,
		      uint32_t row_count)
{
	const struct selection *sel = &frame->selections[step->sel];
	const struct tr_column *condition = &frame->columns[step->args[0]];
	struct tr_merge_store *store = &frame->stores[frame->code->registers[step->out].store];
	struct tr_column *out = &frame->columns[step->out];
	struct tr_blend_side yes = blend_side(frame, &frame->columns[step->args[1]]);
	struct tr_blend_side no = blend_side(frame, &frame->columns[step->args[2]]);
	bool is_dense = sel->rows == NULL || sel->count >= row_count / DENSE_SHARE;

	*out = blank(frame, step->out);
	if (sel->count == 0)
		return;
	if (condition->is_constant) {
		bool holds = !tr_column_is_null(condition, 0) && tr_column_i8(condition, 0) != 0;
		const struct tr_type *type = out->type;

		*out = frame->columns[step->args[holds ? 1 : 2]];
		out->type = type;
		return;
	}
	state->blend->values[__builtin_ctzll(tr_phys_bytes((enum tr_phys)out->type->phys))](
		store->data, condition->data, condition->validity, &yes, &no, is_dense ? NULL : sel->rows,
		is_dense ? row_count : sel->count);
	if (state->blend->bits(store->validity, condition->data, condition->validity, &yes, &no, row_count))
		out->validity = store->validity;
}

/* Three-valued AND and OR of a register over the selection and one over a part of it. */
static void run_logic(struct frame *frame, const struct tr_step *step, uint32_t row_count)
{
	const struct selection *sel = &frame->selections[step->sel], *open = &frame->selections[step->sel_a];
	const struct tr_column *a = &frame->columns[step->args[0]], *b = &frame->columns[step->args[1]];
	struct tr_merge_store *store = &frame->stores[frame->code->registers[step->out].store];
	struct tr_column *out = &frame->columns[step->out];
	uint8_t *values = store->data;
	uint8_t decides = step->kind == TR_STEP_OR; /* the value that settles it */

	*out = blank(frame, step->out);
	if (sel->count == 0)
		return;
	tr_merge_rows(store, out, a, sel->rows, sel->count, row_count, NULL);
	for (uint32_t i = 0; i < open->count; i++) {
		uint32_t row = open->rows != NULL ? open->rows[i] : i;
		bool a_null = tr_column_is_null(a, row), b_null = tr_column_is_null(b, row);
		bool b_decides = !b_null && tr_column_i8(b, row) == decides;

		values[row] = b_decides ? decides : !decides;
		if (!b_decides && (a_null || b_null))
			tr_merge_set_null(store, out, row, row_count);
		else if (out->validity != NULL)
			tr_bit_set(store->validity, row);
	}
}

/* ---- runs ---- */

/* Whether a step walks its selection, so that it can't be a mask. */
static bool wants_list(const struct tr_step *step, const struct selection *sel, uint32_t row_count)
{
	switch (step->kind) {
	case TR_STEP_FILTER:
	case TR_STEP_FIELD:
	case TR_STEP_ALIAS:
	case TR_STEP_BLANK: return false;
	default: return sel->is_mask && !is_for_all_rows(step, sel, row_count);
	}
}

static tr_code run_step(struct tr_program_state *state, struct frame *frame, const struct tr_step *step,
			uint32_t row_count, struct tr_status *st)
{
	if (wants_list(step, &frame->selections[step->sel], row_count))
		list_rows(state, &frame->selections[step->sel], row_count);
	switch (step->kind) {
	case TR_STEP_CALL: return run_call(state, frame, step, row_count, st);
	case TR_STEP_ALIAS:
		frame->columns[step->out] = frame->columns[step->args[0]];
		if (frame->columns[step->out].type->phys != TR_PHYS_NONE)
			frame->columns[step->out].type = frame->code->registers[step->out].type;
		return TR_OK;
	case TR_STEP_FIELD: return run_field(state, frame, step, row_count, st);
	case TR_STEP_BLANK: run_blank(frame, step); return TR_OK;
	case TR_STEP_MERGE: return run_merge(state, frame, step, row_count, st);
	case TR_STEP_BLEND: run_blend(state, frame, step, row_count); return TR_OK;
	case TR_STEP_AND:
	case TR_STEP_OR: run_logic(frame, step, row_count); return TR_OK;
	case TR_STEP_SPLIT:
	case TR_STEP_SPLIT_FALSE: run_split(state, frame, step); return TR_OK;
	case TR_STEP_SPLIT_NULL: run_split_null(state, frame, step); return TR_OK;
	case TR_STEP_FILTER: run_filter(state, frame, step, row_count); return TR_OK;
	}
	TR_UNREACHABLE();
}

static tr_code run_code(struct tr_program_state *state, struct frame *frame, const struct tr_batch *batch,
			struct tr_status *st)
{
	const struct tr_code_block *code = frame->code;

	TR_ASSERT(batch->row_count <= state->rows_max);
	state->batch = batch;
	if (state->zone == NULL) {
		if (st != NULL)
			*st = state->zone_status;
		return state->zone_status.code;
	}
	tr_arena_reset(&state->heap);
	for (uint32_t i = 0; i < code->register_count; i++)
		if (code->registers[i].kind == TR_REGISTER_INPUT)
			frame->columns[i] = batch->columns[code->registers[i].column];
	frame->selections[0].rows = batch->selection;
	frame->selections[0].count = batch->selected_count;
	for (uint32_t i = 0; i < code->step_count; i++)
		TR_TRY(run_step(state, frame, &code->steps[i], batch->row_count, st));
	return TR_OK;
}

tr_code tr_program_run(struct tr_program_state *state, const struct tr_batch *batch, struct tr_column *outputs,
		       struct tr_status *st)
{
	const struct tr_code_block *code = &state->program->code;

	TR_TRY(run_code(state, &state->frame, batch, st));
	for (uint32_t i = 0; i < code->output_count; i++)
		outputs[i] = state->frame.columns[code->outputs[i]];
	return TR_OK;
}

static uint32_t copy_rows(struct tr_program_state *state, struct selection *from, uint32_t row_count, uint32_t *to)
{
	list_rows(state, from, row_count);
	if (from->rows != NULL)
		memcpy(to, from->rows, from->count * sizeof(*to));
	else
		for (uint32_t i = 0; i < from->count; i++)
			to[i] = i;
	return from->count;
}

tr_code tr_program_run_where(struct tr_program_state *state, const struct tr_batch *batch, struct tr_column *outputs,
			     uint32_t *selection, uint32_t *count, struct tr_status *st)
{
	TR_ASSERT(state->program->has_condition);
	TR_TRY(tr_program_run(state, batch, outputs, st));
	*count = copy_rows(state, &state->frame.selections[state->program->code.result], batch->row_count, selection);
	return TR_OK;
}
