/* SPDX-License-Identifier: Apache-2.0
 *
 * See user_plan.h: loading, checking and making functions, and what their kinds share.
 */
#include "api/user_plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "io/library.h"

/* Loading. */

static tr_code load(const char *path, const char *symbol, const struct tr_user_function **function, struct tr_status *st)
{
	void *library;

	TR_TRY(tr_library_open(path, "a library of functions", &library, st));
	*function = tr_library_symbol(library, symbol);
	if (*function == NULL)
		TR_FAIL(st, TR_ERR_USAGE, "%s has no symbol '%s'; write TR_USER_FUNCTION(%s, ..) in it", path, symbol,
			symbol);
	return TR_OK;
}

static tr_code check_aggregate(const struct tr_user_function *f, struct tr_status *st)
{
	const uint32_t owning = (f->save != NULL) + (f->load != NULL) + (f->destroy != NULL) + (f->memory != NULL);

	if (f->on_batch != NULL || f->on_row != NULL)
		TR_FAIL(st, TR_ERR_USAGE, "on_batch and on_row are not for aggregates, which have add_batch or add");
	if ((f->add_batch == NULL) == (f->add == NULL))
		TR_FAIL(st, TR_ERR_USAGE, "an aggregate has either add_batch or add, and this one has %s",
			f->add_batch == NULL ? "none" : "both");
	if (f->merge == NULL || f->value == NULL)
		TR_FAIL(st, TR_ERR_USAGE, "an aggregate needs merge and value, and this one has no %s",
			f->merge == NULL ? "merge" : "value");
	if (owning != 0 && owning != 4)
		TR_FAIL(st, TR_ERR_USAGE, "save, load, destroy and memory go together");
	if (f->accumulator_bytes == 0 || f->accumulator_bytes > TR_USER_ACCUMULATOR_MAX)
		TR_FAIL(st, TR_ERR_USAGE, "an accumulator has 1 to %d bytes, not %u", TR_USER_ACCUMULATOR_MAX,
			f->accumulator_bytes);
	if (f->is_harmless)
		TR_FAIL(st, TR_ERR_USAGE, "is_harmless is for scalar functions with on_batch");
	return TR_OK;
}

static tr_code check(const struct tr_user_function *f, struct tr_status *st)
{
	struct tr_user_function copy = {0};

	if (f->magic != TR_USER_FUNCTION_MAGIC)
		TR_FAIL(st, TR_ERR_USAGE, "the symbol is no function of SQL; write TR_USER_FUNCTION(name, ..)");
	if (f->abi_version != TR_ABI_VERSION)
		TR_FAIL(st, TR_ERR_CONFIG,
			"it was built for version %u of the binary interface; this engine (%s) has version %d: build "
			"it again with the headers of this engine",
			f->abi_version, tr_version(), TR_ABI_VERSION);
	if (f->struct_size < offsetof(struct tr_user_function, open) || f->struct_size > 65536)
		TR_FAIL(st, TR_ERR_USAGE, "its struct_size is %zu; write TR_USER_FUNCTION(name, ..)", f->struct_size);
	for (size_t i = sizeof(copy); i < f->struct_size; i++)
		if (((const char *)f)[i] != 0)
			TR_FAIL(st, TR_ERR_USAGE,
				"it has members that this engine (%s) does not know: it was built with newer headers, "
				"or "
				"not made by TR_USER_FUNCTION(name, ..)",
				tr_version());
	memcpy(&copy, f, TR_MIN(f->struct_size, sizeof(copy)));
	if (copy.kind < TR_USER_SCALAR || copy.kind > TR_USER_AGGREGATE)
		TR_FAIL(st, TR_ERR_USAGE,
			"its kind is %d; there are TR_USER_SCALAR, TR_USER_TABLE and TR_USER_AGGREGATE",
			(int)copy.kind);
	if (copy.result == NULL)
		TR_FAIL(st, TR_ERR_USAGE, "it says no result: .result = \"STRING\"");
	if (copy.kind == TR_USER_AGGREGATE)
		return check_aggregate(&copy, st);
	if (copy.add_batch != NULL || copy.add != NULL || copy.merge != NULL || copy.value != NULL)
		TR_FAIL(st, TR_ERR_USAGE, "add, add_batch, merge and value are for aggregates, and it is none");
	if (copy.kind == TR_USER_TABLE && (copy.on_row == NULL || copy.on_batch != NULL))
		TR_FAIL(st, TR_ERR_USAGE, "a table function has on_row, and no on_batch");
	if (copy.kind == TR_USER_SCALAR && (copy.on_row == NULL) == (copy.on_batch == NULL))
		TR_FAIL(st, TR_ERR_USAGE, "a scalar function has either on_batch or on_row, and this one has %s",
			copy.on_row == NULL ? "none" : "both");
	if (copy.is_harmless && copy.on_batch == NULL)
		TR_FAIL(st, TR_ERR_USAGE, "is_harmless is for scalar functions with on_batch");
	return TR_OK;
}

/* Making. */

static bool is_flat(const struct tr_type *type) { return type->phys != TR_PHYS_LIST && type->phys != TR_PHYS_ROW; }

static void make_scalar(struct tr_user_plan *plan)
{
	const struct tr_user_function *f = &plan->function;
	struct tr_func *func = &plan->func;

	func->name = plan->name;
	func->kernel = f->kind == TR_USER_TABLE ? tr_user_run_table : tr_user_run_scalar;
	func->null_rule = f->takes_nulls ? TR_NULL_CUSTOM : f->kind == TR_USER_TABLE ? TR_NULL_STRICT : TR_NULL_MAKES;
	func->flags = (f->is_non_deterministic ? TR_FUNC_VOLATILE | TR_FUNC_PER_ROW : 0) |
		      (f->is_harmless ? TR_FUNC_TOTAL : 0);
	func->prepare = tr_user_prepare;
	func->local_create = tr_user_local_create;
	func->local_destroy = tr_user_local_destroy;
}

static tr_code make(struct tr_arena *arena, const char *name, const struct tr_user_function *function,
		    struct tr_func_overload *overload, struct tr_status *st)
{
	struct tr_user_plan *plan = TR_NEW(arena, struct tr_user_plan);
	const char **names = TR_NEW_ARRAY(arena, overload->arg_count + 1, const char *);
	static const char *const result_names[] = {"result"};
	const struct tr_type **types = TR_NEW_ARRAY(arena, 1, const struct tr_type *);

	memcpy(&plan->function, function, TR_MIN(function->struct_size, sizeof(plan->function)));
	plan->name = name;
	plan->who = tr_arena_printf(arena, "function %s", name);
	plan->overload = overload;
	for (uint32_t i = 0; i < overload->arg_count; i++)
		names[i] = tr_arena_printf(arena, "argument %u", i + 1);
	plan->arguments = (struct tr_schema){overload->arg_count, names, overload->arg_types};
	types[0] = overload->type;
	plan->result = (struct tr_schema){1, result_names, types};
	if (plan->function.kind == TR_USER_TABLE) {
		const struct tr_type *row = overload->type->children[0];

		plan->result = (struct tr_schema){row->child_count, row->names, row->children};
	} else if (!is_flat(overload->type)) {
		TR_FAIL(st, TR_ERR_DATA, "a result of type %s is not supported", tr_type_text(arena, overload->type));
	}
	if (plan->function.kind == TR_USER_AGGREGATE) {
		if (overload->arg_count > TR_USER_AGGREGATE_ARGUMENTS_MAX)
			TR_FAIL(st, TR_ERR_DATA, "an aggregate takes %d arguments at most, not %u",
				TR_USER_AGGREGATE_ARGUMENTS_MAX, overload->arg_count);
		tr_user_make_aggregate(arena, plan);
		overload->agg = &plan->agg;
	} else {
		make_scalar(plan);
		overload->func = &plan->func;
	}
	return TR_OK;
}

const struct tr_func_maker tr_user_functions = {.load = load, .check = check, .make = make};

/* A call on a subtask. */

tr_code tr_user_prepare(struct tr_arena *arena, const struct tr_expr *call, const void **prepared, struct tr_status *st)
{
	*prepared = call->func; /* the plan begins with it */
	return TR_OK;
}

void *tr_user_local_create(const void *prepared)
{
	struct tr_user_local *local = tr_checked(calloc(1, sizeof(*local)));
	const struct tr_user_plan *plan = prepared;

	local->plan = plan;
	local->hand = (struct tr_run_hand){.name = plan->who, .failure = &local->mistake};
	local->context = (struct tr_user_context){
		.user = plan->function.user,
		.name = plan->name,
		.argument_types = plan->overload->arg_types,
		.argument_count = plan->overload->arg_count,
		.result_type =
			plan->function.kind == TR_USER_TABLE ? plan->overload->type->children[0] : plan->overload->type,
	};
	return local;
}

void tr_user_local_destroy(void *p)
{
	struct tr_user_local *local = p;

	if (local->is_open && local->plan->function.close != NULL) {
		const void *before = tr_run_enter(local);

		local->plan->function.close(&local->context);
		tr_run_leave(before);
	}
	if (local->has_out)
		tr_run_collector_deinit(&local->out);
	tr_run_hand_deinit(&local->hand);
	if (local->buffer != NULL)
		tr_batch_buffer_destroy(&local->buffer);
	free(local->accumulators);
	free(local->rows);
	free(local->other);
	free(local);
}

tr_code tr_user_ready(struct tr_user_local *local)
{
	const void *before;
	tr_code code = TR_OK;

	local->status.code = TR_OK;
	if (local->is_open)
		return TR_OK;
	local->is_open = true;
	if (local->plan->function.open == NULL)
		return TR_OK;
	before = tr_run_enter(local);
	code = local->plan->function.open(&local->context, &local->status);
	tr_run_leave(before);
	return tr_user_returned(local, code);
}

tr_code tr_user_returned(struct tr_user_local *local, tr_code code)
{
	struct tr_status *st = &local->status;

	if (local->mistake.code != TR_OK)
		*st = local->mistake;
	else if (code == TR_OK)
		return TR_OK;
	else
		(void)tr_run_answer(code, st);
	return tr_status_prefix(st, st->code, "function '%s'", local->plan->name);
}

tr_code tr_user_fail(struct tr_user_local *local, const char *format, ...)
{
	char text[TR_STATUS_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	TR_FAIL(&local->status, TR_ERR_FAILED, "function '%s': %s", local->plan->name, text);
}

void tr_user_begin_rows(struct tr_user_local *local, uint32_t rows)
{
	if (local->buffer != NULL && local->buffer->capacity < rows)
		tr_batch_buffer_destroy(&local->buffer);
	if (local->buffer == NULL)
		local->buffer = tr_batch_buffer_create(&local->plan->result, rows);
	tr_batch_buffer_clear(local->buffer);
	tr_run_collector_init_source(&local->out, local, local->plan->who, local->buffer, 1, local->buffer->capacity);
}

tr_code tr_user_check_row(struct tr_user_local *local, uint32_t number)
{
	if (local->out.rows != number || local->out.has_overflown)
		return tr_user_fail(local, "it has added a row: it only sets column 0, and the row is added by itself");
	tr_column_buffer_set_null(&local->buffer->columns[0], number);
	local->out.rows++;
	if (!local->plan->overload->type->is_nullable)
		return tr_user_fail(local, "the result is NULL, and was declared NOT NULL");
	return TR_OK;
}

struct tr_view tr_vector_text(struct tr_vector *result, const char *text, uint32_t length)
{
	const struct tr_user_local *local = result->memory;

	if (tr_run_at_hand != local)
		tr_run_wrong_thread(local->plan->who);
	if (result->type->phys != TR_PHYS_VIEW)
		tr_run_mistake("the result is not a text, and was set as one");
	if (length > TR_VIEW_INLINE_MAX)
		text = memcpy(tr_arena_alloc_aligned(local->heap, length, 1), text, length);
	return tr_view_make(text, length);
}
