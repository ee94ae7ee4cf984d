/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiling expression trees to code (core/ops/program_code.h has the picture).
 *
 * One walk over each tree emits steps in order of evaluation. Each value is numbered: a call of the same function on
 * the same registers, computed for a selection that contains the present one, is not computed again. What may fail or is
 * costly is computed for the rows that need it only: the second argument of AND and OR, and the branches of CASE, IF and
 * COALESCE, run on a narrower selection. What is harmless and cheap is computed for all rows, without a branch: a CASE of
 * such conditions, whose results are columns, fields and literals of fixed width, narrows nothing and blends.
 *
 * A second walk, from the last step to the first, finds where each temporary dies; a third deals out stores.
 */
#include "core/ops/program.h"

#include "base/check.h"
#include "base/type.h"
#include "core/ops/kernel_cast.h"
#include "core/ops/kernel_compare.h"
#include "core/ops/kernel_decimal.h"
#include "core/ops/program_code.h"

#define DEPTH_MAX 1000
#define BLEND_BRANCHES_MAX 8 /* beyond, most of what would be computed for all rows is not taken */

struct value {
	uint32_t step; /* the CALL, ALIAS or FIELD that made it; TR_NONE: a CASE-like value of `expr` */
	const struct tr_expr *expr;
	uint32_t sel;
	uint32_t reg;
};

/* Growable arrays live in the arena; old copies are left there. */
struct compiler {
	struct tr_arena *arena;
	const struct tr_schema *input;
	struct tr_status *st;
	struct tr_step *steps;
	uint32_t step_count, step_capacity;
	struct tr_register *registers;
	uint32_t register_count, register_capacity;
	struct value *values;
	uint32_t value_count, value_capacity;
	uint32_t *parents; /* of selections */
	uint32_t selection_count, selection_capacity;
	uint32_t args_max, local_count;
	int depth;
};

static tr_code compile(struct compiler *c, const struct tr_expr *expr, uint32_t sel, uint32_t *reg);

static void *grown(struct tr_arena *arena, void *old, uint32_t count, uint32_t *capacity, size_t size)
{
	void *bigger;

	if (count < *capacity)
		return old;
	*capacity = *capacity == 0 ? 16 : *capacity * 2;
	bigger = tr_arena_array(arena, *capacity, size);
	if (count > 0)
		memcpy(bigger, old, count * size);
	return bigger;
}

static uint32_t new_register(struct compiler *c, enum tr_register_kind kind, const struct tr_type *type)
{
	c->registers = grown(c->arena, c->registers, c->register_count, &c->register_capacity, sizeof(*c->registers));
	c->registers[c->register_count] = (struct tr_register){.kind = kind, .type = type, .store = TR_NONE};
	return c->register_count++;
}

static uint32_t new_selection(struct compiler *c, uint32_t parent)
{
	c->parents = grown(c->arena, c->parents, c->selection_count, &c->selection_capacity, sizeof(*c->parents));
	c->parents[c->selection_count] = parent;
	return c->selection_count++;
}

static bool contains(const struct compiler *c, uint32_t outer, uint32_t inner)
{
	while (inner != TR_NONE && inner != outer)
		inner = c->parents[inner];
	return inner == outer;
}

static struct tr_step *emit(struct compiler *c, enum tr_step_kind kind, const struct tr_expr *expr, uint32_t sel,
			    uint32_t out, const uint32_t *args, uint32_t arg_count)
{
	struct tr_step *step;
	uint32_t *copy = TR_NEW_ARRAY(c->arena, TR_MAX(arg_count, 1u), uint32_t);

	if (arg_count > 0)
		memcpy(copy, args, arg_count * sizeof(*copy));
	c->steps = grown(c->arena, c->steps, c->step_count, &c->step_capacity, sizeof(*c->steps));
	step = &c->steps[c->step_count++];
	*step = (struct tr_step){.kind = kind,
				 .sel = sel,
				 .sel_a = TR_NONE,
				 .sel_b = TR_NONE,
				 .whole = sel,
				 .out = out,
				 .args = copy,
				 .arg_count = arg_count,
				 .earlier = TR_NONE,
				 .local = TR_NONE,
				 .expr = expr};
	c->args_max = TR_MAX(c->args_max, arg_count);
	return step;
}

static void remember(struct compiler *c, uint32_t step, const struct tr_expr *expr, uint32_t sel, uint32_t reg)
{
	c->values = grown(c->arena, c->values, c->value_count, &c->value_capacity, sizeof(*c->values));
	c->values[c->value_count++] = (struct value){step, expr, sel, reg};
}

/* ---- leaves ---- */

static uint32_t column_register(struct compiler *c, const struct tr_expr *expr)
{
	for (uint32_t i = 0; i < c->register_count; i++)
		if (c->registers[i].kind == TR_REGISTER_INPUT && c->registers[i].column == expr->column)
			return i;
	uint32_t reg = new_register(c, TR_REGISTER_INPUT, expr->type);

	c->registers[reg].column = expr->column;
	return reg;
}

/* A column of one row for a literal. ROW and LIST literals are NULLs only. */
static struct tr_column constant_column(struct tr_arena *arena, const struct tr_type *type, const struct tr_value *value)
{
	struct tr_column column = {.type = type, .is_constant = true};
	char *data = tr_arena_zalloc(arena, 16);

	column.data = type->phys == TR_PHYS_NONE || type->phys == TR_PHYS_ROW ? NULL : data;
	if (value->is_null)
		column.validity = tr_arena_zalloc(arena, sizeof(uint64_t));
	if (type->phys == TR_PHYS_LIST || type->phys == TR_PHYS_ROW) {
		struct tr_column *children = TR_NEW_ARRAY(arena, TR_MAX(type->child_count, 1u), struct tr_column);
		struct tr_value null = {.is_null = true};

		TR_ASSERT(value->is_null);
		for (uint32_t i = 0; i < type->child_count; i++)
			children[i] = constant_column(arena, type->children[i], &null);
		column.children = children;
		column.offsets = tr_arena_zalloc(arena, 2 * sizeof(int32_t));
		return column;
	}
	if (value->is_null)
		return column;
	switch (type->phys) {
	case TR_PHYS_I8: *(int8_t *)data = (int8_t)value->i64; break;
	case TR_PHYS_I16: *(int16_t *)(void *)data = (int16_t)value->i64; break;
	case TR_PHYS_I32: *(int32_t *)(void *)data = (int32_t)value->i64; break;
	case TR_PHYS_I64: *(int64_t *)(void *)data = value->i64; break;
	case TR_PHYS_I128: *(tr_i128 *)(void *)data = value->i128; break;
	case TR_PHYS_F32: *(float *)(void *)data = (float)value->f64; break;
	case TR_PHYS_F64: *(double *)(void *)data = value->f64; break;
	case TR_PHYS_VIEW: *(struct tr_view *)(void *)data = value->view; break;
	default: TR_UNREACHABLE();
	}
	return column;
}

static uint32_t literal_register(struct compiler *c, const struct tr_expr *expr)
{
	uint32_t reg;

	for (uint32_t i = 0; i < c->value_count; i++) {
		const struct value *v = &c->values[i];

		if (v->expr != NULL && v->expr->kind == TR_EXPR_LITERAL && tr_expr_equals(v->expr, expr))
			return v->reg;
	}
	reg = new_register(c, TR_REGISTER_CONSTANT, expr->type);
	c->registers[reg].constant = constant_column(c->arena, expr->type, &expr->value);
	remember(c, TR_NONE, expr, 0, reg);
	return reg;
}

/* ---- values that were computed before ---- */

/* A matcher runs: to look whether a row was computed before is nothing beside it. */
static bool is_costly_call(const struct tr_func *func) { return func != NULL && func->local_create != NULL; }

static bool same_step(const struct tr_step *a, const struct tr_step *b)
{
	return a->kind == b->kind && a->func == b->func && a->kernel == b->kernel && a->is_try == b->is_try &&
	       a->index == b->index && a->arg_count == b->arg_count &&
	       memcmp(a->args, b->args, a->arg_count * sizeof(*a->args)) == 0 &&
	       tr_type_equals(a->expr->type, b->expr->type);
}

/* The step just emitted: keeps it, or takes it back if its value exists. Returns the register of the value. A costly
 * value that exists for a selection beside the present one is noted: at run time its rows may turn out to be among them. */
static uint32_t number_value(struct compiler *c)
{
	struct tr_step *step = &c->steps[c->step_count - 1];

	if ((step->flags & TR_FUNC_PER_ROW) == 0) {
		for (uint32_t i = 0; i < c->value_count; i++) {
			const struct value *v = &c->values[i];

			if (v->step == TR_NONE)
				continue;
			/* Prepared arguments are not in registers: the expressions decide. */
			if (!same_step(&c->steps[v->step], step) ||
			    (step->prepared != NULL && !tr_expr_equals(c->steps[v->step].expr, step->expr)))
				continue;
			if (contains(c, v->sel, step->sel)) {
				c->step_count--;
				return v->reg;
			}
			if (is_costly_call(step->func))
				step->earlier = v->step;
		}
	}
	step->out = new_register(c, TR_REGISTER_TEMPORARY, step->expr->type);
	remember(c, c->step_count - 1, NULL, step->sel, step->out);
	return step->out;
}

static bool find_lazy(struct compiler *c, const struct tr_expr *expr, uint32_t sel, uint32_t *reg)
{
	for (uint32_t i = 0; i < c->value_count; i++) {
		const struct value *v = &c->values[i];

		if (v->expr == NULL || !contains(c, v->sel, sel) || !tr_expr_equals(v->expr, expr))
			continue;
		*reg = v->reg;
		return true;
	}
	return false;
}

/* ---- control flow ---- */

/* Cheap, cannot fail, no side effects: worth computing for rows that do not need it. */
static bool is_harmless(const struct tr_expr *expr)
{
	if (expr->kind == TR_EXPR_COLUMN || expr->kind == TR_EXPR_LITERAL)
		return true;
	if (expr->kind == TR_EXPR_FIELD)
		return is_harmless(expr->args[0]);
	if (expr->kind != TR_EXPR_CALL || (expr->func->flags & TR_FUNC_TOTAL) == 0)
		return false;
	for (uint32_t i = 0; i < expr->arg_count; i++)
		if (!is_harmless(expr->args[i]))
			return false;
	return true;
}

static uint32_t begin_merge(struct compiler *c, const struct tr_expr *expr, uint32_t sel)
{
	uint32_t out = new_register(c, TR_REGISTER_TEMPORARY, expr->type);

	emit(c, TR_STEP_BLANK, expr, sel, out, NULL, 0);
	return out;
}

static tr_code merge(struct compiler *c, const struct tr_expr *value, uint32_t sel, uint32_t out, uint32_t whole)
{
	uint32_t reg;

	TR_TRY(compile(c, value, sel, &reg));
	emit(c, TR_STEP_MERGE, value, sel, out, &reg, 1)->whole = whole;
	return TR_OK;
}

/* Comparisons are not TOTAL, since those of texts follow pointers; of two numbers of one type they are harmless too. */
static bool is_harmless_condition(const struct tr_expr *expr)
{
	if (expr->kind != TR_EXPR_CALL || (expr->func->flags & TR_FUNC_COMPARE) == 0)
		return is_harmless(expr);
	const struct tr_type *a = expr->args[0]->type, *b = expr->args[1]->type;

	return tr_number_of(a->phys) >= 0 && a->phys == b->phys && a->scale == b->scale && is_harmless(expr->args[0]) &&
	       is_harmless(expr->args[1]);
}

/* Results are there without computing, conditions are harmless, and values are numbers of one width. */
static bool is_blend(const struct tr_expr *expr, const struct tr_expr *const *args, uint32_t arg_count)
{
	if (tr_number_of(expr->type->phys) < 0 || arg_count > 2 * BLEND_BRANCHES_MAX + 1)
		return false;
	for (uint32_t i = 0; i < arg_count; i++) {
		bool is_condition = i % 2 == 0 && i + 1 < arg_count;

		if (is_condition ? !is_harmless_condition(args[i]) : !is_harmless(args[i]))
			return false;
		if (is_condition ? args[i]->type->phys != TR_PHYS_I8
				 : args[i]->kind == TR_EXPR_CALL || args[i]->type->phys != expr->type->phys)
			return false;
	}
	return true;
}

static tr_code compile_blend(struct compiler *c, const struct tr_expr *expr, const struct tr_expr *const *args,
			     uint32_t arg_count, uint32_t sel, uint32_t *reg)
{
	uint32_t values[2 * BLEND_BRANCHES_MAX + 1];

	for (uint32_t i = 0; i < arg_count; i++)
		TR_TRY(compile(c, args[i], sel, &values[i]));
	*reg = values[arg_count - 1];
	for (uint32_t i = arg_count - 1; i >= 2; i -= 2) {
		const uint32_t choice[3] = {values[i - 2], values[i - 1], *reg};

		emit(c, TR_STEP_BLEND, expr, sel, TR_NONE, choice, 3);
		*reg = number_value(c);
	}
	remember(c, TR_NONE, expr, sel, *reg);
	return TR_OK;
}

/* `args`: condition, result, ..., else. */
static tr_code compile_case(struct compiler *c, const struct tr_expr *expr, const struct tr_expr *const *args,
			    uint32_t arg_count, uint32_t sel, uint32_t *reg)
{
	uint32_t rest = sel, out;

	if (is_blend(expr, args, arg_count))
		return compile_blend(c, expr, args, arg_count, sel, reg);
	out = begin_merge(c, expr, sel);
	for (uint32_t i = 0; i + 1 < arg_count; i += 2) {
		uint32_t condition;
		struct tr_step *step;

		TR_TRY(compile(c, args[i], rest, &condition));
		uint32_t yes = new_selection(c, rest), no = new_selection(c, rest);
		step = emit(c, TR_STEP_SPLIT, expr, rest, TR_NONE, &condition, 1);
		step->sel_a = yes;
		step->sel_b = no;
		TR_TRY(merge(c, args[i + 1], yes, out, sel));
		rest = no;
	}
	TR_TRY(merge(c, args[arg_count - 1], rest, out, sel));
	remember(c, TR_NONE, expr, sel, out);
	*reg = out;
	return TR_OK;
}

static tr_code compile_coalesce(struct compiler *c, const struct tr_expr *expr, uint32_t sel, uint32_t *reg)
{
	uint32_t rest = sel, out;

	out = begin_merge(c, expr, sel);
	for (uint32_t i = 0; i + 1 < expr->arg_count; i++) {
		uint32_t value;
		struct tr_step *step;

		TR_TRY(compile(c, expr->args[i], rest, &value));
		uint32_t yes = new_selection(c, rest), no = new_selection(c, rest);
		step = emit(c, TR_STEP_SPLIT_NULL, expr, rest, TR_NONE, &value, 1);
		step->sel_a = yes;
		step->sel_b = no;
		emit(c, TR_STEP_MERGE, expr->args[i], yes, out, &value, 1)->whole = sel;
		rest = no;
	}
	TR_TRY(merge(c, expr->args[expr->arg_count - 1], rest, out, sel));
	remember(c, TR_NONE, expr, sel, out);
	*reg = out;
	return TR_OK;
}

static bool has_costly_call(const struct tr_expr *expr)
{
	if (expr->kind == TR_EXPR_CALL && is_costly_call(expr->func))
		return true;
	for (uint32_t i = 0; i < expr->arg_count; i++)
		if (has_costly_call(expr->args[i]))
			return true;
	return false;
}

/* Cannot fail, and is done with in a few instructions: may be asked first. */
static bool is_quick(const struct tr_expr *expr)
{
	const uint32_t quick = TR_FUNC_TOTAL | TR_FUNC_COMPARE | TR_FUNC_QUICK;

	if (expr->kind == TR_EXPR_CALL && (expr->func->flags & quick) == 0)
		return false;
	if (expr->kind == TR_EXPR_CAST || expr->kind == TR_EXPR_CASE)
		return false;
	for (uint32_t i = 0; i < expr->arg_count; i++)
		if (!is_quick(expr->args[i]))
			return false;
	return true;
}

/* The second argument runs for the rows that the first one leaves open. A costly first one changes places with a quick
 * second one: the answer is the same, whichever is asked first. */
static tr_code compile_lazy_logic(struct compiler *c, const struct tr_expr *expr, uint32_t sel, uint32_t *reg)
{
	bool is_and = expr->func->special == TR_SPECIAL_AND;
	bool is_turned = has_costly_call(expr->args[0]) && is_quick(expr->args[1]);
	uint32_t args[2], open, out;
	struct tr_step *step;

	TR_TRY(compile(c, expr->args[is_turned], sel, &args[0]));
	open = new_selection(c, sel);
	emit(c, is_and ? TR_STEP_SPLIT_FALSE : TR_STEP_SPLIT, expr, sel, TR_NONE, args, 1)->sel_b = open;
	TR_TRY(compile(c, expr->args[!is_turned], open, &args[1]));
	out = new_register(c, TR_REGISTER_TEMPORARY, expr->type);
	step = emit(c, is_and ? TR_STEP_AND : TR_STEP_OR, expr, sel, out, args, 2);
	step->sel_a = open;
	remember(c, TR_NONE, expr, sel, out);
	*reg = out;
	return TR_OK;
}

/* NULLIF(a, b) is CASE WHEN a = b THEN NULL ELSE a END. */
static tr_code compile_nullif(struct compiler *c, const struct tr_expr *expr, uint32_t sel, uint32_t *reg)
{
	const struct tr_type *types[2] = {expr->args[0]->type, expr->args[1]->type};
	const struct tr_expr *pair[2], *args[3];
	struct tr_func_match match;

	TR_TRY(tr_func_resolve(c->arena, "=", types, NULL, 2, &match, c->st));
	for (int i = 0; i < 2; i++) {
		pair[i] = expr->args[i];
		if (!tr_type_equals_ignoring_null(pair[i]->type, match.arg_types[i]))
			pair[i] = tr_expr_cast(c->arena, pair[i], match.arg_types[i], false);
	}
	args[0] = tr_expr_call(c->arena, match.func, match.type, pair, 2);
	args[1] = tr_expr_null(c->arena, expr->type);
	args[2] = expr->args[0];
	return compile_case(c, expr, args, 3, sel, reg);
}

/* ---- calls ---- */

static tr_code prepare(struct compiler *c, const struct tr_expr *expr, const void **prepared)
{
	tr_code code = expr->func->prepare(c->arena, expr, prepared, c->st);

	if (code != TR_OK && expr->place.line > 0)
		return tr_status_prefix(c->st, code, "line %u, column %u", expr->place.line, expr->place.column);
	return code;
}

/* An integer cast to a DECIMAL that holds all of its values: the kernel can read the integer itself. */
static bool is_integer_as_decimal(const struct tr_expr *expr)
{
	if (expr->kind != TR_EXPR_CAST || expr->type->id != TR_TYPE_DECIMAL || expr->type->scale != 0)
		return false;
	switch (expr->args[0]->type->id) {
	case TR_TYPE_TINYINT:
	case TR_TYPE_SMALLINT:
	case TR_TYPE_INT:
	case TR_TYPE_BIGINT: return expr->type->precision >= tr_decimal_digits(expr->args[0]->type);
	default: return false;
	}
}

static tr_code compile_call(struct compiler *c, const struct tr_expr *expr, uint32_t sel, uint32_t *reg)
{
	const struct tr_func *func = expr->func;
	uint32_t *args = TR_NEW_ARRAY(c->arena, TR_MAX(expr->arg_count, 1u), uint32_t);
	uint32_t arg_count = expr->arg_count;
	const void *prepared = NULL;
	struct tr_step *step;

	if (func->prepare != NULL)
		TR_TRY(prepare(c, expr, &prepared));
	if (prepared != NULL && (func->flags & TR_FUNC_FIRST_ONLY))
		arg_count = 1;
	for (uint32_t i = 0; i < arg_count; i++) {
		const struct tr_expr *arg = expr->args[i];

		if ((func->flags & TR_FUNC_INTEGERS) && is_integer_as_decimal(arg))
			arg = arg->args[0];
		TR_TRY(compile(c, arg, sel, &args[i]));
	}
	TR_ASSERT(func->kernel != NULL);
	step = emit(c, TR_STEP_CALL, expr, sel, TR_NONE, args, arg_count);
	step->func = func;
	step->kernel = func->kernel;
	step->flags = func->flags | (func->call_flags != NULL ? func->call_flags(expr) : 0);
	step->null_rule = func->null_rule;
	step->prepared = prepared;
	*reg = number_value(c);
	if (func->local_create != NULL && c->steps[c->step_count - 1].out == *reg &&
	    c->steps[c->step_count - 1].local == TR_NONE)
		c->steps[c->step_count - 1].local = c->local_count++;
	return TR_OK;
}

static tr_code compile_cast(struct compiler *c, const struct tr_expr *expr, uint32_t sel, uint32_t *reg)
{
	const struct tr_type *from = expr->args[0]->type;
	struct tr_step *step;
	struct tr_cast cast;
	uint32_t arg;

	if (!tr_cast_find(from, expr->type, &cast))
		TR_FAIL(c->st, TR_ERR_DATA, "CAST from %s to %s is not supported", tr_type_text(c->arena, from),
			tr_type_text(c->arena, expr->type));
	TR_TRY(compile(c, expr->args[0], sel, &arg));
	if (cast.kernel == NULL) {
		step = emit(c, TR_STEP_ALIAS, expr, sel, TR_NONE, &arg, 1);
	} else {
		step = emit(c, TR_STEP_CALL, expr, sel, TR_NONE, &arg, 1);
		step->kernel = cast.kernel;
		step->flags = cast.is_total ? TR_FUNC_TOTAL : cast.is_nested ? TR_FUNC_PASSES : 0;
		step->null_rule = cast.is_nested ? TR_NULL_CUSTOM : cast.is_total ? TR_NULL_STRICT : TR_NULL_MAKES;
		step->is_try = expr->is_try;
	}
	*reg = number_value(c);
	return TR_OK;
}

static tr_code compile_field(struct compiler *c, const struct tr_expr *expr, uint32_t sel, uint32_t *reg)
{
	uint32_t arg;

	TR_TRY(compile(c, expr->args[0], sel, &arg));
	emit(c, TR_STEP_FIELD, expr, sel, TR_NONE, &arg, 1)->index = expr->column;
	*reg = number_value(c);
	return TR_OK;
}

static tr_code compile_special(struct compiler *c, const struct tr_expr *expr, uint32_t sel, uint32_t *reg)
{
	if (find_lazy(c, expr, sel, reg))
		return TR_OK;
	switch (expr->kind == TR_EXPR_CASE ? TR_SPECIAL_IF : expr->func->special) {
	case TR_SPECIAL_IF: return compile_case(c, expr, expr->args, expr->arg_count, sel, reg);
	case TR_SPECIAL_COALESCE: return compile_coalesce(c, expr, sel, reg);
	case TR_SPECIAL_NULLIF: return compile_nullif(c, expr, sel, reg);
	default: return compile_lazy_logic(c, expr, sel, reg);
	}
}

static bool is_special(const struct tr_expr *expr)
{
	if (expr->kind == TR_EXPR_CASE)
		return true;
	if (expr->kind != TR_EXPR_CALL)
		return false;
	switch (expr->func->special) {
	case TR_SPECIAL_AND:
	case TR_SPECIAL_OR: return !is_harmless_condition(expr->args[1]);
	case TR_SPECIAL_COALESCE:
	case TR_SPECIAL_IF:
	case TR_SPECIAL_NULLIF: return true;
	default: return false;
	}
}

static tr_code compile(struct compiler *c, const struct tr_expr *expr, uint32_t sel, uint32_t *reg)
{
	tr_code code;

	if (c->depth >= DEPTH_MAX || c->step_count >= TR_STEPS_MAX)
		TR_FAIL(c->st, TR_ERR_DATA,
			"line %u, column %u: the expression is too large (at most %d levels and %d steps)",
			expr->place.line, expr->place.column, DEPTH_MAX, TR_STEPS_MAX);
	c->depth++;
	if (expr->kind == TR_EXPR_COLUMN) {
		TR_ASSERT(expr->column < c->input->column_count);
		*reg = column_register(c, expr);
		code = TR_OK;
	} else if (expr->kind == TR_EXPR_LITERAL) {
		*reg = literal_register(c, expr);
		code = TR_OK;
	} else if (is_special(expr)) {
		code = compile_special(c, expr, sel, reg);
	} else if (expr->kind == TR_EXPR_CALL) {
		code = compile_call(c, expr, sel, reg);
	} else if (expr->kind == TR_EXPR_CAST) {
		code = compile_cast(c, expr, sel, reg);
	} else {
		code = compile_field(c, expr, sel, reg);
	}
	c->depth--;
	return code;
}

/* ---- filters ---- */

static bool is_special_call(const struct tr_expr *expr, enum tr_func_special special)
{
	return expr->kind == TR_EXPR_CALL && expr->func->special == special;
}

/* A comparison of two numbers of one type, or of a text with a constant: it makes a selection directly. */
static bool is_fast_comparison(const struct tr_expr *expr)
{
	if (expr->kind != TR_EXPR_CALL || (expr->func->flags & TR_FUNC_COMPARE) == 0)
		return false;
	const struct tr_expr *a = expr->args[0], *b = expr->args[1];

	if (a->type->phys == TR_PHYS_VIEW) /* texts: = and <> against a constant */
		return expr->func->code <= TR_COMPARE_NE && a->kind != TR_EXPR_LITERAL && b->kind == TR_EXPR_LITERAL &&
		       !b->value.is_null;
	if (tr_number_of(a->type->phys) < 0 || a->type->phys != b->type->phys)
		return false;
	if (a->type->id == TR_TYPE_DECIMAL && a->type->scale != b->type->scale)
		return false;
	return a->kind != TR_EXPR_LITERAL && !(b->kind == TR_EXPR_LITERAL && b->value.is_null);
}

static tr_code compile_filter(struct compiler *c, const struct tr_expr *expr, uint32_t sel, uint32_t *result)
{
	uint32_t args[2];
	struct tr_step *step;

	if (expr->kind == TR_EXPR_LITERAL && !expr->value.is_null && expr->value.i64 != 0) {
		*result = sel;
		return TR_OK;
	}
	if (is_special_call(expr, TR_SPECIAL_AND)) {
		TR_TRY(compile_filter(c, expr->args[0], sel, &sel));
		return compile_filter(c, expr->args[1], sel, result);
	}
	if (is_fast_comparison(expr)) {
		TR_TRY(compile(c, expr->args[0], sel, &args[0]));
		TR_TRY(compile(c, expr->args[1], sel, &args[1]));
		step = emit(c, TR_STEP_FILTER, expr, sel, TR_NONE, args, 2);
		step->code = (uint32_t)expr->func->code;
	} else if (is_special_call(expr, TR_SPECIAL_IS_NOT_NULL)) {
		TR_TRY(compile(c, expr->args[0], sel, &args[0]));
		step = emit(c, TR_STEP_SPLIT_NULL, expr, sel, TR_NONE, args, 1);
	} else {
		TR_TRY(compile(c, expr, sel, &args[0]));
		step = emit(c, TR_STEP_SPLIT, expr, sel, TR_NONE, args, 1);
	}
	*result = new_selection(c, sel);
	step->sel_a = *result;
	return TR_OK;
}

/* ---- stores ---- */

/* ends[r]: the last step that reads register r. */
static uint32_t *find_ends(struct compiler *c, const uint32_t *outputs, uint32_t output_count)
{
	uint32_t *ends = TR_NEW_ARRAY(c->arena, TR_MAX(c->register_count, 1u), uint32_t);

	for (uint32_t i = 0; i < output_count; i++)
		ends[outputs[i]] = TR_NONE;
	for (uint32_t i = c->step_count; i-- > 0;) {
		const struct tr_step *step = &c->steps[i];
		bool refers = step->kind == TR_STEP_MERGE || step->kind == TR_STEP_BLEND ||
			      step->kind == TR_STEP_ALIAS || step->kind == TR_STEP_FIELD || step->kind == TR_STEP_AND ||
			      step->kind == TR_STEP_OR || (step->flags & TR_FUNC_PASSES);
		uint32_t end = refers && step->out != TR_NONE ? TR_MAX(ends[step->out], i) : i;

		if (step->earlier != TR_NONE) {
			const uint32_t earlier = c->steps[step->earlier].out;

			ends[earlier] = TR_MAX(ends[earlier], TR_MAX(ends[step->out], i));
		}
		if (step->out != TR_NONE)
			ends[step->out] = TR_MAX(ends[step->out], i);
		for (uint32_t j = 0; j < step->arg_count; j++)
			ends[step->args[j]] = TR_MAX(ends[step->args[j]], end);
	}
	return ends;
}

static const struct tr_store *deal_stores(struct compiler *c, const uint32_t *ends, uint32_t *store_count)
{
	struct tr_store *stores = TR_NEW_ARRAY(c->arena, TR_MAX(c->register_count, 1u), struct tr_store);
	uint32_t *owners = TR_NEW_ARRAY(c->arena, TR_MAX(c->register_count, 1u), uint32_t); /* register, or NONE */
	uint32_t count = 0;

	for (uint32_t i = 0; i < c->step_count; i++) {
		uint32_t out = c->steps[i].out;
		uint32_t s;

		if (out != TR_NONE && c->registers[out].store == TR_NONE) {
			const struct tr_type *type = c->registers[out].type;
			size_t width = type->phys == TR_PHYS_LIST ? 0 : tr_phys_bytes((enum tr_phys)type->phys);

			for (s = 0; s < count; s++)
				if (owners[s] == TR_NONE && stores[s].width == width && type->child_count == 0 &&
				    stores[s].type->child_count == 0)
					break;
			if (s == count)
				stores[count++] = (struct tr_store){.type = type, .width = width};
			owners[s] = out;
			c->registers[out].store = s;
		}
		for (s = 0; s < count; s++)
			if (owners[s] != TR_NONE && ends[owners[s]] <= i)
				owners[s] = TR_NONE;
	}
	*store_count = count;
	return stores;
}

static void finish(struct compiler *c, struct tr_code_block *block, const uint32_t *outputs, uint32_t output_count)
{
	const uint32_t *ends = find_ends(c, outputs, output_count);

	block->stores = deal_stores(c, ends, &block->store_count);
	block->steps = c->steps;
	block->step_count = c->step_count;
	block->registers = c->registers;
	block->register_count = c->register_count;
	block->selection_count = c->selection_count;
	block->args_max = c->args_max;
	block->local_count = c->local_count;
	block->outputs = outputs;
	block->output_count = output_count;
}

tr_code tr_program_compile(struct tr_arena *arena, const struct tr_schema *input, const struct tr_expr *const *outputs,
			   uint32_t output_count, const struct tr_program **program, struct tr_status *st)
{
	return tr_program_compile_where(arena, input, NULL, outputs, output_count, program, st);
}

tr_code tr_program_compile_where(struct tr_arena *arena, const struct tr_schema *input, const struct tr_expr *condition,
				 const struct tr_expr *const *outputs, uint32_t output_count,
				 const struct tr_program **program, struct tr_status *st)
{
	struct tr_program *p = TR_NEW(arena, struct tr_program);
	uint32_t *registers = TR_NEW_ARRAY(arena, TR_MAX(output_count, 1u), uint32_t);
	struct compiler c = {.arena = arena, .input = input, .st = st};
	uint32_t sel = new_selection(&c, TR_NONE);

	TR_ASSERT(input != NULL && program != NULL);
	if (condition != NULL)
		TR_TRY(compile_filter(&c, condition, sel, &sel));
	for (uint32_t i = 0; i < output_count; i++)
		TR_TRY(compile(&c, outputs[i], sel, &registers[i]));
	p->input = input;
	p->has_condition = condition != NULL;
	p->code.result = sel;
	finish(&c, &p->code, registers, output_count);
	*program = p;
	return TR_OK;
}

bool tr_program_has_condition(const struct tr_program *program) { return program->has_condition; }
